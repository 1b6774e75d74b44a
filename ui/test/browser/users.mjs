// Calls of the API with the session of a page.

/** A client that sends the cookies of a page, from the page itself. */
export function userClient(page) {
  const request = async (method, path, body) => {
    if (!page.url().startsWith(process.env.COCKPIT_URL)) {
      await page.goto(`${process.env.COCKPIT_URL}/login`)
    }
    return page.evaluate(
      async ({ method, path, body }) => {
        const response = await fetch(`/api/v1${path}`, {
          method,
          ...(body !== undefined && {
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          }),
        })
        return { status: response.status, text: await response.text() }
      },
      { method, path, body },
    )
  }
  return {
    status: async (method, path, body) => (await request(method, path, body)).status,
    json: async (path) => JSON.parse((await request('GET', path)).text),
  }
}
