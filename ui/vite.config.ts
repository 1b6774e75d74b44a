import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type Plugin } from 'vite'

// `npm run dev` serves the sources and asks a running cockpit for the data.
const server = process.env.COCKPIT_URL ?? 'http://127.0.0.1:8080'

/** Lays `x.br` and `x.gz` beside every file that shrinks, so that the program needs no compressor. */
function compress(): Plugin {
  let folder = ''
  return {
    name: 'compress',
    apply: 'build',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir)
    },
    closeBundle() {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (entry.isFile()) compressFile(join(entry.parentPath, entry.name))
      }
    },
  }
}

function compressFile(path: string): void {
  if (/\.(br|gz)$/.test(path)) return
  const raw = readFileSync(path)
  const worth = (packed: Buffer) => packed.length < 0.95 * raw.length
  const size = { [constants.BROTLI_PARAM_SIZE_HINT]: raw.length }
  const br = brotliCompressSync(raw, { params: size })
  const gz = gzipSync(raw, { level: 9 })
  if (worth(br)) writeFileSync(`${path}.br`, br)
  if (worth(gz)) writeFileSync(`${path}.gz`, gz)
}

/** What goes out with the pages that others wrote, as their licences ask. */
const SHIPPED = { Inter: '@fontsource-variable/inter/LICENSE', Svelte: 'svelte/LICENSE.md' }

function licences(): Plugin {
  return {
    name: 'licences',
    apply: 'build',
    generateBundle() {
      const texts = Object.entries(SHIPPED).map(([name, path]) => {
        const text = readFileSync(new URL(`node_modules/${path}`, import.meta.url), 'utf8')
        return `${name}\n\n${text.trim()}\n`
      })
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join('\n\n') })
    },
  }
}

export default defineConfig({
  plugins: [svelte({ configFile: false }), licences(), compress()],
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    // Every asset is a file of its own, so the page needs no `data:` in its content policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': server } },
})
