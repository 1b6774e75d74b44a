import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type Plugin } from 'vite'

// `npm run dev` serves the sources, and proxies the API of a running cockpit.
const server = process.env.COCKPIT_URL ?? 'http://127.0.0.1:8080'

/** Writes `x.br` for files that get smaller. */
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
  if (path.endsWith('.br')) return
  const raw = readFileSync(path)
  const size = { [constants.BROTLI_PARAM_SIZE_HINT]: raw.length }
  const br = brotliCompressSync(raw, { params: size })
  if (br.length < 0.95 * raw.length) writeFileSync(`${path}.br`, br)
}

/** Third-party code in the pages, whose licences require their text. */
const SHIPPED = {
  Inter: '@fontsource-variable/inter/LICENSE',
  'Noto Sans Malayalam': '@fontsource-variable/noto-sans-malayalam/LICENSE',
  'Noto Sans Devanagari': '@fontsource-variable/noto-sans-devanagari/LICENSE',
  Svelte: 'svelte/LICENSE.md',
  CodeMirror: '@codemirror/view/LICENSE',
  Lezer: '@lezer/common/LICENSE',
  crelt: 'crelt/LICENSE',
  'style-mod': 'style-mod/LICENSE',
  'w3c-keyname': 'w3c-keyname/LICENSE',
  'find-cluster-break': '@marijn/find-cluster-break/LICENSE',
}

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
    // Assets are separate files, so that the content security policy needs no `data:`.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    proxy: { '/api': { target: server, changeOrigin: true, headers: { origin: server } } },
  },
})
