import { expect, test } from 'vitest'
import { odc, pbids, profile } from './connect'

const ORIGIN = 'https://cockpit.example:8443'

test('the file of Power BI names the feed', () => {
  const { connections } = JSON.parse(pbids(ORIGIN).text)
  expect(connections[0].details).toEqual({
    protocol: 'odata',
    address: { url: 'https://cockpit.example:8443/odata/v4/' },
  })
})

test('the profile names endpoint, token and end', () => {
  expect(JSON.parse(profile(ORIGIN, 'pck_x', '2026-12-31T00:00:00Z').text)).toEqual({
    shareCredentialsVersion: 1,
    endpoint: 'https://cockpit.example:8443/sharing',
    bearerToken: 'pck_x',
    expirationTime: '2026-12-31T00:00:00Z',
  })
})

test('the file of Excel contains the query within its XML', () => {
  const text = odc(ORIGIN).text
  const data = /<odc:PowerQueryMashupData>(.*)<\/odc:PowerQueryMashupData>/.exec(text)?.[1] ?? ''
  expect(data).not.toContain('<')
  expect(data).toContain('OData.Feed(&quot;https://cockpit.example:8443/odata/v4/&quot;')
})
