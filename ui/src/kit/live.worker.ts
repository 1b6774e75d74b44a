/**
 * The only EventSource of this browser, shared by all its tabs: over HTTP/1.1 a browser opens six
 * connections to a host, so one stream per tab would block the seventh.
 */
import { Feed, type FeedEvent, liveUrl } from './feed'

/** What a tab needs. */
export interface Demand {
  /** Frames of temperatures per second; 0 for none, null when the tab closes. */
  hz: number | null
  /** Whether the tab needs alarms: it is visible, or it sounds for them while hidden. */
  alarms: boolean
}

/** A stream that no tab needs is closed after this time. */
const IDLE_LINGER_MS = 60_000

const demands = new Map<MessagePort, Demand>()
let lingerTimer: ReturnType<typeof setTimeout> | undefined

const isAboutTemperatures = ({ kind }: FeedEvent): boolean =>
  kind === 'sensors' || kind === 'snapshot' || kind === 'readings'

const feed = new Feed((event: FeedEvent) => {
  for (const [port, { hz, alarms }] of demands) {
    if (hz || (alarms && !isAboutTemperatures(event))) port.postMessage(event)
  }
})

function updateFeed(): void {
  clearTimeout(lingerTimer)
  const needs = [...demands.values()]
  const hz = Math.max(0, ...needs.map((demand) => demand.hz ?? 0))
  if (hz > 0 || needs.some((demand) => demand.alarms)) feed.start(liveUrl(hz))
  else lingerTimer = setTimeout(() => feed.stop(), IDLE_LINGER_MS)
}

function setDemand(port: MessagePort, demand: Demand): void {
  if (demand.hz === null) demands.delete(port)
  else demands.set(port, demand)
  updateFeed()
  if (demand.hz || demand.alarms) for (const event of feed.current()) port.postMessage(event)
}

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0]
  if (!port) return
  port.onmessage = (message: MessageEvent<Demand>) => setDemand(port, message.data)
})
