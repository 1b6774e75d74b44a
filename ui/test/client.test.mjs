import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { CLIENT, clientTypes } from './client.mjs'

test('the types of the client agree with the OpenAPI description; if not, run `npm run client`', async () => {
  expect(await readFile(CLIENT, 'utf8')).toBe(await clientTypes())
})
