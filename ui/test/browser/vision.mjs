// Colours: a page without alarms has no saturated pixel, and priorities differ for every kind of vision and in grey.

import { expect, screen } from './harness.mjs'

const DEFICIENCIES = ['none', 'protanopia', 'deuteranopia', 'tritanopia', 'achromatopsia']
/** Saturation in OKLCH from which a colour is a call. */
const CHROMA_MOST = 0.09
/** The least distance of two badges in OKLab; in grey only shape and digit differ. */
const DISTANCE_LEAST = 0.15
const BADGES = { 1: '#b3001b', 2: '#f28500', 3: '#ffe04a', 4: '#8e5bd0' }

/** The pixels of a picture in OKLab; runs in an empty page, since pages refuse pictures from elsewhere. */
const measure = async ({ png, squares }) => {
  const picture = await createImageBitmap(
    await (await fetch(`data:image/png;base64,${png}`)).blob(),
  )
  const canvas = new OffscreenCanvas(picture.width, picture.height)
  const context = canvas.getContext('2d')
  context.drawImage(picture, 0, 0)
  const linear = (value) => {
    const part = value / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }
  const lab = (red, green, blue) => {
    const [r, g, b] = [linear(red), linear(green), linear(blue)]
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return [
      0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
      1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
      0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
    ]
  }
  if (squares) {
    return Array.from({ length: squares }, (_, nth) => {
      const [r, g, b] = context.getImageData(nth * 40 + 20, 20, 1, 1).data
      return lab(r, g, b)
    })
  }
  const { data } = context.getImageData(0, 0, picture.width, picture.height)
  const chromas = new Map()
  let saturated = 0
  for (let at = 0; at < data.length; at += 4) {
    const key = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2]
    let chroma = chromas.get(key)
    if (chroma === undefined) {
      const [, a, b] = lab(data[at], data[at + 1], data[at + 2])
      chroma = Math.hypot(a, b)
      chromas.set(key, chroma)
    }
    if (chroma > 0.09) saturated += 1
  }
  return saturated
}

async function emulate(page, type) {
  const session = await page.context().newCDPSession(page)
  await session.send('Emulation.setEmulatedVisionDeficiency', { type })
}

/** The smallest distance of two badges for each kind of vision. */
export async function badgeDistances(browser) {
  const page = await (await browser.newContext({ viewport: { width: 200, height: 60 } })).newPage()
  const squares = Object.values(BADGES)
    .map((colour) => `<i style="float:left;width:40px;height:40px;background:${colour}"></i>`)
    .join('')
  await page.setContent(`<body style="margin:0">${squares}`)
  const distances = {}
  for (const type of DEFICIENCIES) {
    await emulate(page, type)
    const png = (await page.screenshot()).toString('base64')
    const labs = await page.evaluate(measure, { png, squares: 4 })
    const pairs = labs.flatMap((one, nth) => labs.slice(nth + 1).map((other) => [one, other]))
    distances[type] = Math.min(
      ...pairs.map(([one, other]) => Math.hypot(...one.map((value, axis) => value - other[axis]))),
    )
  }
  await page.context().close()
  return distances
}

/** Saturated pixels of a page outside links, selections and badges. */
export async function saturatedPixels(browser, path) {
  const page = await screen.newPage(browser, {
    viewport: { width: 1366, height: 768 },
    colorScheme: 'light',
  })
  await screen.open(page, path)
  // Links and selections are blue, and badges call: neither belongs to the normal plant.
  await page.addStyleTag({
    content:
      ':root { --accent: #555c65 !important } .badge, [data-priority], .counters { visibility: hidden !important }',
  })
  const png = (await page.screenshot()).toString('base64')
  await page.goto('about:blank')
  const saturated = await page.evaluate(measure, { png, squares: 0 })
  await page.context().close()
  return saturated
}

/** Every badge shows its digit and a shape of its own, so that it is read without colour. */
async function shapesTest(page) {
  await screen.open(page, '/alarms')
  const badges = await page
    .locator('header svg')
    .evaluateAll((all) => all.map((one) => one.outerHTML).filter((text) => /<text/.test(text)))
  const shapes = new Set(badges.map((text) => text.replace(/<text.*?<\/text>/s, '')))
  expect.check('badges have a shape each', badges.length === 0 || shapes.size === badges.length)
}

export async function visionTest(browser, page) {
  await expect.step('colours', async () => {
    const distances = await badgeDistances(browser)
    for (const [type, distance] of Object.entries(distances)) {
      const least = type === 'achromatopsia' ? 0 : DISTANCE_LEAST
      expect.check(`${type}: badges differ`, distance > least, distance.toFixed(3))
    }
    for (const path of ['/make', '/stock', '/orders']) {
      const saturated = await saturatedPixels(browser, path)
      expect.same(`${path} has no pixel above a chroma of ${CHROMA_MOST}`, saturated, 0)
    }
    await shapesTest(page)
  })
}
