/**
 * The one EventSource of this browser, shared by all its tabs: over HTTP/1.1 a browser opens six
 * connections to a host, so a stream in every tab would leave none for the seventh.
 */
import { Feed, liveUrl, type Told } from './feed'

/** What a tab says: how often it wants frames, or that it is hidden (0) or gone (null). */
export interface Want {
  hz: number | null
}

/** A stream nobody looks at is closed after this. */
const LINGER_MS = 60_000

const wants = new Map<MessagePort, number>()
let linger: ReturnType<typeof setTimeout> | undefined

const feed = new Feed((told: Told) => {
  for (const [port, hz] of wants) if (hz > 0) port.postMessage(told)
})

function settle(): void {
  clearTimeout(linger)
  const hz = Math.max(0, ...wants.values())
  if (hz > 0) feed.start(liveUrl(hz))
  else linger = setTimeout(() => feed.stop(), LINGER_MS)
}

function take(port: MessagePort, { hz }: Want): void {
  if (hz === null) wants.delete(port)
  else wants.set(port, hz)
  settle()
  if (hz) for (const told of feed.known()) port.postMessage(told)
}

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0]
  if (!port) return
  port.onmessage = (message: MessageEvent<Want>) => take(port, message.data)
})
