/** Types of the HTTP interface, from its OpenAPI description (`ui/src/gen/api.ts`). */
import type { Schemas } from '../gen/api'

/** The program writes unknown values as null and leaves no field out. */
type Present<S> = { [K in keyof S]-?: Exclude<S[K], undefined> }

/** A schema, with narrower types for some of its fields: texts that are one of a list, for example. */
export type Answer<
  Name extends keyof Schemas,
  Narrower extends Partial<Present<Schemas[Name]>> = Record<never, never>,
> = Omit<Present<Schemas[Name]>, keyof Narrower> & Narrower
