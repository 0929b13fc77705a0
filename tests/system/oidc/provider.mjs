// A real OpenID Connect provider for the system tests (npm oidc-provider), on loopback.
//
// Rule 1: it prints one line of JSON, {"issuer": ...}, once it listens, and ends when its standard
// input does, so that it cannot outlive the tests.
// Rule 2: an answer never depends on the time of day or on another test, but for POST /control/rotate.
//
// Clients are grant_type=client_credentials with a secret; what a client's tokens say stands in CLIENTS.
// Tokens are RFC 9068 access tokens for the resource of the audience "lawgate" (RFC 8707), or for another.
//
// POST /control/rotate?keep=1   a new signing key first, the old ones still published (keep=0: not)
// POST /control/sign?typ=JWT     what the body (JSON claims) says, signed with the provider's own key: an ID token, say
// POST /control/down?on=1        from now on answer 503 to every GET, discovery and keys among them (on=0: not)

import { createServer } from 'node:http';
import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { Provider } from 'oidc-provider';

const SECRET = 'loopback-only-secret';
const RESOURCES = { 'urn:lawgate': 'lawgate', 'urn:billing': 'billing' };
const CLIENTS = {
  'support-desk': { groups: ['support'], realm_access: { roles: ['support', 'offline'] } },
  'claims-desk': { groups: ['claims', 'support'], realm_access: { roles: ['claims'] } },
  'no-groups': { groups: [] },
  'unknown-groups': {},
  'many-groups': { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'http://127.0.0.1:9/' } } },
};
const KEY_TYPES = {
  RS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
};

const algorithm = process.argv[2] ?? 'RS256';
const lifetimeS = Number(process.argv[3] ?? 600);
let keys = [newKey()];
let handle;
let down = false;

function newKey() {
  const { privateKey } = generateKeyPairSync(...KEY_TYPES[algorithm]);
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: algorithm };
}

function providerFor(issuer) {
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: Object.keys(CLIENTS).map((id) => ({
      client_id: id,
      client_secret: SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: algorithm,
    })),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:lawgate',
        getResourceServerInfo: (ctx, resource) => ({
          scope: 'infer',
          audience: RESOURCES[resource],
          accessTokenFormat: 'jwt',
          accessTokenTTL: lifetimeS,
          jwt: { sign: { alg: algorithm } },
        }),
      },
    },
    extraTokenClaims: (ctx, token) => CLIENTS[token.clientId],
  });
  return provider.callback();
}

function signed(typ, claims) {
  const header = { alg: algorithm, kid: keys[0].kid, typ };
  const input = [JSON.stringify(header), claims].map((part) => Buffer.from(part).toString('base64url')).join('.');
  const key = createPrivateKey({ key: keys[0], format: 'jwk' });
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

function control(url, issuer) {
  if (url.pathname === '/control/rotate') {
    const kept = url.searchParams.get('keep') === '0' ? [] : keys;
    keys = [newKey(), ...kept];
    handle = providerFor(issuer);
  } else if (url.pathname === '/control/down') {
    down = url.searchParams.get('on') === '1';
  }
}

const server = createServer((request, response) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const url = new URL(request.url, issuer);
  if (request.method === 'POST' && url.pathname === '/control/sign') {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => response.end(signed(url.searchParams.get('typ'), Buffer.concat(chunks).toString())));
  } else if (request.method === 'POST' && url.pathname.startsWith('/control/')) {
    control(url, issuer);
    response.writeHead(204).end();
  } else if (down && request.method === 'GET') {
    response.writeHead(503).end();
  } else {
    handle(request, response);
  }
});

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle = providerFor(issuer);
  console.log(JSON.stringify({ issuer }));
});
process.stdin.resume().on('end', () => process.exit(0));
