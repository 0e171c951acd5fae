"""The shell of every worker: gather, parse, perform, one transaction, publish, acknowledge."""
