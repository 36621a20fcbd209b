"""What the package promises, against finite differences."""
