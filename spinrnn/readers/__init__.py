"""Files of other programs: a module for each format, which knows no meaning."""
