"""Many cases: find, divide among processes and machines, resume, sum up. Importing this imports nothing else."""
