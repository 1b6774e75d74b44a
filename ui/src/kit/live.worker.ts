/**
 * The only EventSource of this browser, shared by all its tabs: over HTTP/1.1 a browser opens six
 * connections to a host, so one stream per tab would block the seventh.
 */
import { Feed, type FeedEvent, liveUrl } from './feed'

/** The frame rate that a tab needs: 0 while it is hidden, null when it closes. */
export interface Demand {
  hz: number | null
}

/** A stream without a visible tab is closed after this time. */
const IDLE_LINGER_MS = 60_000

const demands = new Map<MessagePort, number>()
let lingerTimer: ReturnType<typeof setTimeout> | undefined

const feed = new Feed((event: FeedEvent) => {
  for (const [port, hz] of demands) if (hz > 0) port.postMessage(event)
})

function updateFeed(): void {
  clearTimeout(lingerTimer)
  const hz = Math.max(0, ...demands.values())
  if (hz > 0) feed.start(liveUrl(hz))
  else lingerTimer = setTimeout(() => feed.stop(), IDLE_LINGER_MS)
}

function setDemand(port: MessagePort, { hz }: Demand): void {
  if (hz === null) demands.delete(port)
  else demands.set(port, hz)
  updateFeed()
  if (hz) for (const event of feed.current()) port.postMessage(event)
}

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0]
  if (!port) return
  port.onmessage = (message: MessageEvent<Demand>) => setDemand(port, message.data)
})
