"""Many cases: resume, worker processes, clusters, the output folder."""
