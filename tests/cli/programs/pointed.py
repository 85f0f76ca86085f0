"""A program on azure-identity or azid that is pointed at the emulator by variables: pointed.py LIBRARY"""

import importlib
import sys

library = importlib.import_module(sys.argv[1])
credential = library.DeviceCodeCredential(disable_instance_discovery=True)
print("signed in:", credential.authenticate(scopes=["https://graph.microsoft.com/.default"]).username)
