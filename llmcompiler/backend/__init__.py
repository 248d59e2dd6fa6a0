"""The asyncio back end: how calls are made, with all that may be declared about time, failures and load."""
