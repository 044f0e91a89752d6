"""The command line: one module per group of commands, loaded when a command of it is used."""
