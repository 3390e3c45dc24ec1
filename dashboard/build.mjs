// Builds the static site into dist/: bundles, fonts, the coast line and index.html.
// Nothing here reads a release: the page finds the release in use when it is opened.
import { build } from 'esbuild'
import { createRequire } from 'node:module'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { feature } from 'topojson-client'

const require = createRequire(import.meta.url)
const OUT = new URL('./dist/', import.meta.url)
// Wider than the province, so that the land runs off every edge of the map.
const BOX = { west: 108.2, south: 19.6, east: 118.6, north: 26.4 }

/** One ring cut at the box, side by side (Sutherland and Hodgman); empty when it lies outside. */
function clip(ring) {
  const sides = [
    [([x]) => x >= BOX.west, (a, b) => crossing(a, b, 0, BOX.west)],
    [([x]) => x <= BOX.east, (a, b) => crossing(a, b, 0, BOX.east)],
    [([, y]) => y >= BOX.south, (a, b) => crossing(a, b, 1, BOX.south)],
    [([, y]) => y <= BOX.north, (a, b) => crossing(a, b, 1, BOX.north)],
  ]
  return sides.reduce((points, [inside, cut]) => {
    const kept = []
    points.forEach((point, i) => {
      const before = points[(i + points.length - 1) % points.length]
      if (inside(point) !== inside(before)) kept.push(cut(before, point))
      if (inside(point)) kept.push(point)
    })
    return kept
  }, ring)
}

function crossing(a, b, axis, at) {
  const share = (at - a[axis]) / (b[axis] - a[axis])
  const other = a[1 - axis] + share * (b[1 - axis] - a[1 - axis])
  return axis === 0 ? [at, other] : [other, at]
}

/** Natural Earth's land (public domain), cut to the box, to three decimals of a degree. */
async function coast() {
  const topology = require('world-atlas/land-10m.json')
  const land = feature(topology, topology.objects.land)
  const rings = (land.features ?? [land])
    .flatMap((item) => item.geometry.coordinates)
    .flatMap((polygon) => polygon)
    .map(clip)
    .filter((ring) => ring.length > 2)
    .map((ring) => ring.map(([x, y]) => [Number(x.toFixed(3)), Number(y.toFixed(3))]))
  await writeFile(new URL('coast.json', OUT), JSON.stringify({ rings }))
}

await rm(OUT, { recursive: true, force: true })
await mkdir(OUT, { recursive: true })
await build({
  entryPoints: { app: new URL('./src/main.js', import.meta.url).pathname },
  outdir: OUT.pathname,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'linked',
  loader: { '.woff2': 'file' },
  logLevel: 'warning',
})
await coast()
await copyFile(new URL('./index.html', import.meta.url), new URL('index.html', OUT))
