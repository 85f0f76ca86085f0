"""Keeping the record of an account in a file, for the program's next run."""

from pathlib import Path

from azure.identity import AuthenticationRecord, InteractiveBrowserCredential

credential = InteractiveBrowserCredential()
record = credential.authenticate(["https://graph.microsoft.com/.default"])
file = Path("record.json")
file.write_text(record.serialize(), encoding="utf-8")

loaded = AuthenticationRecord.deserialize(file.read_text(encoding="utf-8"))
InteractiveBrowserCredential(authentication_record=loaded)
print("same account:", loaded.home_account_id == record.home_account_id)
