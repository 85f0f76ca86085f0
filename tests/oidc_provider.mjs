// oidc-provider as an authority that azid's credentials can be pointed at, for test_oidc_provider.py.
//
//   node oidc_provider.mjs <folder of oidc-provider> <certificate and key, PEM> <client id> <scope>
//
// It listens on a loopback port of the system's choice, prints the port, and ends when its standard input does. The
// protocol is oidc-provider's own. Entra ID differs in where the configuration is, in putting the user's name into the id
// token, and in `prompt`: it knows select_account, and gives refresh tokens without consent (OpenID Connect Core section
// 11 demands prompt=consent of all others).

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, pem, clientId, scope] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(join(folder, 'lib', 'index.js')));
const mount = '/contoso.example/v2.0';

const configuration = {
  clients: [{
    client_id: clientId,
    application_type: 'native', // any loopback port (RFC 8252 section 7.3)
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    redirect_uris: ['http://localhost'],
    response_types: ['code'],
  }],
  scopes: ['openid', 'offline_access', scope],
  claims: { openid: ['sub'], profile: ['preferred_username'] },
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: `${id}@contoso.example` }),
  }),
  features: { deviceFlow: { enabled: true } },
  pkce: { required: () => true },
  rotateRefreshToken: true, // and a rotated one that is used again ends the sign-in
  ttl: { AccessToken: 3600, DeviceCode: 900, IdToken: 3600 },
};

const certificate = readFileSync(pem);
const server = createServer({ cert: certificate, key: certificate });
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provide = new Provider(`https://127.0.0.1:${port}${mount}`, configuration).callback();
  server.on('request', (request, response) => {
    if (!request.url.startsWith(`${mount}/`)) {
      response.writeHead(404).end();
      return;
    }
    request.originalUrl = request.url.replace('prompt=select_account', 'prompt=consent');
    request.url = request.originalUrl.slice(mount.length);
    provide(request, response);
  });
  console.log(`listening on ${port}`); // oidc-provider's own warnings may come before
});

process.stdin.on('end', () => process.exit()).resume();
