"""The laws, misconceptions and messages behind `check(...)`."""
