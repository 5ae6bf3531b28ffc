// An OpenID Connect provider (oidc-provider) over TLS. It signs in whoever it is told to, without
// asking.
//
// usage: oidc_provider.mjs MODULES CERTIFICATE KEY PORT
//
// One JSON object a line comes in and is answered by one: {"set": {...}} changes what is said below,
// {"rotate": true} makes new signing keys, {"requests": true} gives the paths that were asked for.

import { createServer } from 'node:https';
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [modules, certificate, key, port] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
const issuer = `https://127.0.0.1:${port}`;

// What it says until it is told otherwise.
const say = {
  sub: 'kim', acr: undefined, amr: ['pwd'], deny: false, algorithm: 'RS256', clients: [],
  claims: { email: 'kim@example.org', email_verified: true, name: 'Kim Example', groups: ['staff'] },
  idTokenHasClaims: true,
};
let requests = [];
let keys = [];
let number = 0;
let provider;

const makers = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

function newKeys() {
  number += 1;
  const { privateKey } = makers[say.algorithm]();
  const jwk = privateKey.export({ format: 'jwk' });
  keys = [{ ...jwk, kid: `key-${number}`, use: 'sig', alg: say.algorithm }];
}

function renew() {
  provider = new Provider(issuer, {
    jwks: { keys },
    clients: say.clients.map((client) => ({ id_token_signed_response_alg: say.algorithm, ...client })),
    enabledJWA: {
      idTokenSigningAlgValues: Object.keys(makers),
      userinfoSigningAlgValues: Object.keys(makers),
    },
    acrValues: ['mfa', 'pwd', 'urn:example:mfa'],
    claims: {
      openid: ['sub', 'acr', 'amr', 'auth_time', 'sid'],
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username', 'groups', 'roles',
        'department', 'realm_access'],
    },
    conformIdTokenClaims: !say.idTokenHasClaims,
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      jwtUserinfo: { enabled: true },
    },
    // The session's side of it is not looked at for a client's own addresses on this machine.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    cookies: { keys: ['a secret of the test'] },
    interactions: { url: (_, interaction) => `/auto/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...say.claims }) }),
    ttl: { Session: 3600, Grant: 3600, AccessToken: 600, IdToken: 600, Interaction: 600 },
  });
  provider.on('server_error', (_, error) => console.error(error));
  provider.on('backchannel.error', (_, error) => console.error(error));
}

async function interact(request, response) {
  if (say.deny) {
    const refusal = { error: 'access_denied', error_description: 'not today' };
    return provider.interactionFinished(request, response, refusal);
  }
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: say.sub, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  grant.addOIDCClaims(Object.keys(say.claims));
  const login = { accountId: say.sub, acr: say.acr, amr: say.amr };
  const result = { login, consent: { grantId: await grant.save() } };
  return provider.interactionFinished(request, response, result);
}

newKeys();
renew();
const server = createServer(
  { cert: readFileSync(certificate), key: readFileSync(key) },
  (request, response) => {
    requests.push(new URL(request.url, issuer).pathname);
    if (request.url.startsWith('/auto/')) {
      interact(request, response).catch((error) => {
        console.error(error);
        response.writeHead(500).end();
      });
    } else {
      provider.callback()(request, response);
    }
  },
);
server.listen(Number(port), '127.0.0.1', () => console.log(JSON.stringify({ ready: true })));

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  const answer = {};
  if (order.set) {
    const { algorithm } = say;
    Object.assign(say, order.set);
    if (say.algorithm !== algorithm) newKeys();
    const made = ['algorithm', 'clients', 'idTokenHasClaims'];
    if (made.some((name) => name in order.set)) renew();
  }
  if (order.rotate) {
    newKeys();
    renew();
  }
  if (order.requests) {
    answer.requests = requests;
    requests = [];
  }
  if (order.keys) {
    const hidden = ['d', 'p', 'q', 'dp', 'dq', 'qi'];
    answer.keys = keys.map((jwk) =>
      Object.fromEntries(Object.entries(jwk).filter(([name]) => !hidden.includes(name))));
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);
