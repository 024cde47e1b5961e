"""Values of the straight line: geometry, options, plan, manifest. Standard library and numpy only."""
