"""How the command line is used: its parser, examples, and completion in shells."""
