// Types of the HTTP interface, made from its OpenAPI description.
//
//   npm run client      writes src/gen/api.ts

import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import openapiTS, { astToString } from 'openapi-typescript'

const DESCRIPTION = new URL(
  '../../crates/cockpit/tests/it/cases/openapi/expect/openapi.json',
  import.meta.url,
)
export const CLIENT = new URL('../src/gen/api.ts', import.meta.url)

const HEAD =
  '// Made from the OpenAPI description of the program by `npm run client`; do not edit.\n\n'
const METHODS = ['get', 'post', 'put', 'delete']

/** The name of the schema of the successful answer of a route. */
function schemaOf({ responses }) {
  const answer = responses['200'] ?? responses['201'] ?? responses['202']
  return answer?.content?.['application/json']?.schema?.$ref?.split('/').at(-1)
}

function answersOf(paths) {
  return Object.entries(paths).flatMap(([path, routes]) =>
    METHODS.flatMap((method) => {
      const name = routes[method] && schemaOf(routes[method])
      const route = `${method.toUpperCase()} ${path.replace('/api/v1', '')}`
      return name ? [`  '${route}': Schemas['${name}']`] : []
    }),
  )
}

/** The types of all schemas, and the schema of each answer; parameters and errors are left out. */
export async function clientTypes() {
  const description = JSON.parse(await readFile(DESCRIPTION, 'utf8'))
  const { schemas } = description.components
  const types = astToString(
    await openapiTS(
      { ...description, paths: {}, components: { schemas } },
      { emptyObjectsUnknown: true },
    ),
  )
  const from = types.indexOf('export interface components')
  const to = types.indexOf('\nexport type $defs')
  return [
    HEAD + types.slice(from, to),
    "export type Schemas = components['schemas']\n",
    '/** The JSON of each route, by its method and its path below `/api/v1`. */',
    `export interface Answers {\n${answersOf(description.paths).join('\n')}\n}\n`,
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(CLIENT, await clientTypes())
}
