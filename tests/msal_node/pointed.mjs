// MSAL for Node.js, told where its authority is:  node pointed.mjs <authority>
// Prints where a code is entered and the code, then what came of it.
import { PublicClientApplication } from "@azure/msal-node";

const [authority] = process.argv.slice(2);
const application = new PublicClientApplication({
  auth: {
    clientId: "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    authority: `${authority}/organizations`,
    knownAuthorities: [new URL(authority).host],
  },
});
const scopes = ["https://graph.microsoft.com/.default"];
const { account, accessToken } = await application.acquireTokenByDeviceCode({
  scopes,
  deviceCodeCallback: ({ verificationUri, userCode }) => console.log(verificationUri, userCode),
});
const again = await application.acquireTokenSilent({ scopes, account, forceRefresh: true });
console.log(JSON.stringify({ username: account.username, refreshed: again.accessToken !== accessToken }));
