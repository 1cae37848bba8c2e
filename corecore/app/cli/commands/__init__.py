"""One command a module, one module a command; ``corecore.app.cli.group`` lists them.

A command takes one parameter an option, since typer reads the options off the function. At its module's top stands
what loads in a blink; the one import of its heavy work stands in the function, so that ``corecore plan --help``, a
mistyped option and the shell's completion answer at once.
"""
