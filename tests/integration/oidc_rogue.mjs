// A provider that says what it is told to, true or not.
//
// usage: oidc_rogue.mjs MODULES CERTIFICATE KEY PORT
//
// One JSON object a line comes in and is answered by one: {"set": {...}} replaces what is said
// differently from what would be right, {"requests": true} gives the paths that were asked for.

import { createHash, createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';

const [, certificate, key, port] = process.argv.slice(2);
const issuer = `https://127.0.0.1:${port}`;
const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = { ...own.publicKey.export({ format: 'jwk' }), kid: 'key-1', use: 'sig' };
let say = {};
let requests = [];
let asked = {};

const part = (bytes) => Buffer.from(bytes).toString('base64url');
const without = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

function token(claims, header) {
  const head = { alg: 'RS256', kid: 'key-1', ...header };
  const signed = `${part(JSON.stringify(head))}.${part(JSON.stringify(claims))}`;
  if (say.key === 'none') return `${signed}.`;
  if (say.key === 'public') {
    const pem = own.publicKey.export({ type: 'spki', format: 'pem' });
    return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`;
  }
  const { privateKey } = say.key === 'other' ? other : own;
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}

function idToken(accessToken) {
  const now = Math.floor(Date.now() / 1000);
  const half = createHash('sha256').update(accessToken).digest().subarray(0, 16);
  const claims = {
    iss: issuer, aud: asked.client_id, sub: 'kim', iat: now, exp: now + 300, nonce: asked.nonce,
    at_hash: part(half), email: 'kim@example.org', email_verified: true, name: 'Kim Example',
  };
  return token(without({ ...claims, ...say.claims }), say.header);
}

function answer(path, query) {
  switch (path) {
    case '/.well-known/openid-configuration':
      return without({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/me`,
        jwks_uri: `${issuer}/jwks`,
        end_session_endpoint: `${issuer}/out`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        authorization_response_iss_parameter_supported: true,
        ...say.document,
      });
    case '/jwks':
      return { keys: [jwk] };
    case '/token': {
      const accessToken = randomBytes(16).toString('hex');
      const tokens = { access_token: accessToken, token_type: 'Bearer' };
      return { ...tokens, id_token: idToken(accessToken), ...say.tokens };
    }
    case '/me':
      return { sub: 'kim', department: 'sales', ...say.userinfo };
    default:
      return query;
  }
}

const server = createServer(
  { cert: readFileSync(certificate), key: readFileSync(key) },
  (request, response) => {
    const url = new URL(request.url, issuer);
    requests.push(url.pathname);
    const query = Object.fromEntries(url.searchParams);
    if (url.pathname === '/auth') {
      asked = query;
      const back = { code: 'a-code', state: query.state, iss: issuer, ...say.response };
      const search = new URLSearchParams(without(back));
      return response.writeHead(302, { location: `${query.redirect_uri}?${search}` }).end();
    }
    const status = say.status?.[url.pathname] ?? 200;
    const headers = { 'content-type': 'application/json', ...say.headers };
    const text = say.raw?.[url.pathname] ?? JSON.stringify(answer(url.pathname, query));
    return response.writeHead(status, headers).end(text);
  },
);
server.listen(Number(port), '127.0.0.1', () => console.log(JSON.stringify({ ready: true })));

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  const reply = {};
  if (order.set) say = order.set;
  if (order.token) reply.token = token(order.token.claims, order.token.header);
  if (order.requests) {
    reply.requests = requests;
    requests = [];
  }
  console.log(JSON.stringify(reply));
}
process.exit(0);
