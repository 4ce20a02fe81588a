"""Grade a class: answers run in a jail, and a judge that runs no student's code gives the marks."""
