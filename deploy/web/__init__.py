"""The citizen's portal and the operator's console: thin clients of the contract, to read and to work with.

They hold no state but signed sessions and forms, no role of the ledger and no key of the system but public
ones: any number of processes may serve the same person.
"""
