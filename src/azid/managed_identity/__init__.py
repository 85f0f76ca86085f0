"""Identities that Azure gives to machines and services, and the endpoints that vouch for them: one platform a module.

Entra documentation topic: "What are managed identities for Azure resources?".
"""
