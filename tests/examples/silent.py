"""Getting a token without a person where that is possible, and asking the person where it is not."""

import os

from azure.identity import AuthenticationRecord, AuthenticationRequiredError, InteractiveBrowserCredential

saved_record = AuthenticationRecord.deserialize(os.environ["SAVED_RECORD"])
credential = InteractiveBrowserCredential(authentication_record=saved_record, disable_automatic_authentication=True)
try:
    credential.get_token("https://graph.microsoft.com/.default")
except AuthenticationRequiredError:
    print("a person is needed")
    print("account:", credential.authenticate("https://graph.microsoft.com/.default").username)
print("silently:", bool(credential.get_token("https://graph.microsoft.com/.default").token))
