/** The editor of a board's text: CodeMirror with the tokens of TOML and marks at lines with a mistake. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { StreamLanguage, type StreamParser, syntaxHighlighting } from '@codemirror/language'
import { EditorState, StateEffect, StateField } from '@codemirror/state'
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  keymap,
  lineNumbers,
} from '@codemirror/view'
import { classHighlighter } from '@lezer/highlight'

interface State {
  /** The quotes that end the text of several lines in which a line begins. */
  open: string | null
}

const toml: StreamParser<State> = {
  startState: () => ({ open: null }),
  token(stream, state) {
    if (state.open !== null) {
      const isClosed = stream.skipTo(state.open)
      if (!isClosed) stream.skipToEnd()
      else {
        stream.match(state.open)
        state.open = null
      }
      return 'string'
    }
    if (stream.eatSpace()) return null
    if (stream.match(/^#.*/)) return 'comment'
    if (stream.sol() && stream.match(/^\[.*/)) return 'keyword'
    const quotes = stream.match(/^("""|''')/)
    if (quotes) {
      state.open = (quotes as RegExpMatchArray)[0]
      return 'string'
    }
    if (stream.match(/^"(?:[^"\\]|\\.)*"/) || stream.match(/^'[^']*'/)) return 'string'
    if (stream.match(/^[\w.-]+(?=\s*=)/)) return 'propertyName'
    if (stream.match(/^[-+]?\d[\d_.]*/)) return 'number'
    if (stream.match(/^(true|false)\b/)) return 'bool'
    stream.next()
    return null
  },
}

const setFaulty = StateEffect.define<readonly number[]>()
const faultyLine = Decoration.line({ class: 'cm-faulty' })

const faulty = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, change) {
    const effect = change.effects.find((one) => one.is(setFaulty))
    if (!effect) return marks.map(change.changes)
    const { doc } = change.state
    const lines = (effect.value as readonly number[]).filter(
      (line) => line >= 1 && line <= doc.lines,
    )
    const sorted = [...new Set(lines)].sort((a, b) => a - b)
    return Decoration.set(sorted.map((line) => faultyLine.range(doc.line(line).from)))
  },
  provide: (field) => EditorView.decorations.from(field),
})

const theme = EditorView.theme({
  '&': {
    backgroundColor: 'transparent',
    color: 'var(--text)',
    fontSize: '12.5px',
    blockSize: '100%',
  },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono), var(--font)', lineHeight: '18px' },
  '.cm-content': { caretColor: 'var(--accent)', paddingBlock: '8px' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--muted)', border: 'none' },
  '.cm-faulty': { boxShadow: 'inset 3px 0 var(--text)', backgroundColor: 'var(--soft)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground':
    { backgroundColor: 'var(--line)' },
  '.tok-keyword, .tok-propertyName': { fontWeight: '600' },
  '.tok-string, .tok-string2, .tok-number, .tok-bool': { color: 'var(--accent)' },
  '.tok-comment': { color: 'var(--muted)', fontStyle: 'italic' },
})

export interface EditorOptions {
  parent: HTMLElement
  text: string
  label: string
  isReadOnly: boolean
  onchange: (text: string) => void
}

/** An editor in `parent`. Tab leaves it, so that the keyboard is not trapped. */
export function createEditor({
  parent,
  text,
  label,
  isReadOnly,
  onchange,
}: EditorOptions): EditorView {
  const state = EditorState.create({
    doc: text,
    extensions: [
      lineNumbers(),
      history(),
      drawSelection(),
      StreamLanguage.define(toml),
      syntaxHighlighting(classHighlighter),
      faulty,
      EditorState.readOnly.of(isReadOnly),
      EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) onchange(update.state.doc.toString())
      }),
      keymap.of([...historyKeymap, ...defaultKeymap]),
      theme,
    ],
  })
  return new EditorView({ state, parent })
}

/** Replaces what differs from the text of the editor, so that the cursor and the history remain. */
export function setText(view: EditorView, text: string): void {
  const before = view.state.doc.toString()
  if (before === text) return
  let from = 0
  while (from < before.length && before[from] === text[from]) from += 1
  let [to, end] = [before.length, text.length]
  while (to > from && end > from && before[to - 1] === text[end - 1]) {
    to -= 1
    end -= 1
  }
  view.dispatch({ changes: { from, to, insert: text.slice(from, end) } })
}

/** Marks lines, counted from 1. */
export function markLines(view: EditorView, lines: readonly number[]): void {
  view.dispatch({ effects: setFaulty.of(lines) })
}

/** Moves the cursor to a line, counted from 1. */
export function goToLine(view: EditorView, line: number): void {
  const { from } = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)))
  view.dispatch({
    selection: { anchor: from },
    effects: EditorView.scrollIntoView(from, { y: 'center' }),
  })
  view.focus()
}
