/** The SQL editor: CodeMirror with completion of tables and columns. Loaded when the page is opened. */
import { autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { keywordCompletionSource, PostgreSQL, schemaCompletionSource } from '@codemirror/lang-sql'
import { bracketMatching, syntaxHighlighting } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view'
import { classHighlighter } from '@lezer/highlight'

/** Columns by table: `gold.production_daily`. */
export type Schema = Record<string, string[]>

export interface EditorOptions {
  parent: HTMLElement
  text: string
  label: string
  schema: Schema
  run: () => void
}

const theme = EditorView.theme({
  '&': {
    backgroundColor: 'transparent',
    color: 'var(--text)',
    fontSize: '13px',
    blockSize: '100%',
  },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px' },
  '.cm-content': { caretColor: 'var(--accent)', paddingBlock: '8px' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--muted)', border: 'none' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground':
    {
      backgroundColor: 'var(--line)',
    },
  '.cm-matchingBracket': { backgroundColor: 'var(--line)', outline: 'none' },
  '.cm-tooltip': {
    backgroundColor: 'var(--panel)',
    color: 'var(--text)',
    border: '1px solid var(--line)',
  },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    backgroundColor: 'var(--accent)',
    color: 'var(--panel)',
  },
  '.tok-keyword': { fontWeight: '600' },
  '.tok-string, .tok-string2': { color: 'var(--accent)' },
  '.tok-number': { color: 'var(--accent)' },
  '.tok-comment': { color: 'var(--muted)', fontStyle: 'italic' },
})

/** An editor in `parent`. Tab leaves it, so that the keyboard is not trapped. */
export function createEditor({ parent, text, label, schema, run }: EditorOptions): EditorView {
  const execute = () => {
    run()
    return true
  }
  const state = EditorState.create({
    doc: text,
    extensions: [
      lineNumbers(),
      history(),
      drawSelection(),
      bracketMatching(),
      closeBrackets(),
      PostgreSQL.language,
      PostgreSQL.language.data.of({
        autocomplete: schemaCompletionSource({ dialect: PostgreSQL, schema }),
      }),
      PostgreSQL.language.data.of({ autocomplete: keywordCompletionSource(PostgreSQL, true) }),
      autocompletion({ icons: false }),
      syntaxHighlighting(classHighlighter),
      EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
      EditorView.lineWrapping,
      keymap.of([
        { key: 'Mod-Enter', run: execute },
        ...completionKeymap,
        ...historyKeymap,
        ...defaultKeymap,
      ]),
      theme,
    ],
  })
  return new EditorView({ state, parent })
}

/** Replaces the whole text. */
export function setText(view: EditorView, text: string): void {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } })
}

/** Inserts a text at the cursor and focuses the editor. */
export function insert(view: EditorView, text: string): void {
  view.dispatch(view.state.replaceSelection(text))
  view.focus()
}

/** Moves the cursor to a line and a column, both from 1. */
export function moveTo(view: EditorView, line: number, column: number): void {
  const { from, to } = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)))
  view.dispatch({ selection: { anchor: Math.min(from + column - 1, to) }, scrollIntoView: true })
  view.focus()
}
