// A provider of OpenID Connect (node-oidc-provider) for tests of the login.
//
//   node provider.mjs PORT SERVICE_URL
//
// It accepts every name with every password. Its parent process sends the groups of each person as a
// message {name: [group, ...]}; the answer to a message is 'done', and 'ready' follows the start.

import Provider from 'oidc-provider'

const [port, service] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
let groups = {}

/** What the provider states about a person. The subject is not the name, and stays when that changes. */
function account(id) {
  return {
    accountId: id,
    claims: () => ({
      sub: `subject-of-${id}`,
      preferred_username: id,
      name: `${id[0].toUpperCase()}${id.slice(1)} of the company`,
      groups: groups[id] ?? [],
    }),
  }
}

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'cockpit',
      client_secret: process.env.OPENID_TEST_SECRET,
      redirect_uris: [`${service}/api/v1/openid/${process.env.OPENID_TEST_NAME}/callback`],
      post_logout_redirect_uris: [`${service}/login`],
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username', 'name'], groups: ['groups'] },
  findAccount: (_context, id) => account(id),
  pkce: { required: () => true },
  cookies: { keys: ['only for tests'] },
})

process.on('message', (message) => {
  groups = message
  process.send('done')
})
process.on('disconnect', () => process.exit(0))

provider.on('server_error', (_context, error) => console.error(error))

provider.listen(Number(port), '127.0.0.1', () => process.send('ready'))
