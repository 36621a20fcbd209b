"""The command line: a module for each group of commands; `main` puts them together."""
