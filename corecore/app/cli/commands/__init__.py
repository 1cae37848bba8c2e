"""One command a module, one module a command; ``corecore.app.cli.group`` lists them."""
