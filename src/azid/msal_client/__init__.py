"""The only room that imports MSAL: every OAuth request is built, sent and redeemed by it."""
