/** English texts of the editors of files of the plant folder. */
export const texts = {
  'rules.check.ok': 'No problems.',
  'rules.check.count': 'Problems: {count}',
  'rules.check.line': 'Line {line}',
  'rules.save': 'Save',
  'rules.review': 'Review the change',
  'rules.diff': 'Change of alarms.toml',
  'rules.diff.note': 'The other rules and the comments stay as they are.',
  'rules.diff.none': 'There is no change.',
  'rules.conflict.load': 'Load the file again',
  'rules.revert': 'Undo all changes',
} as const
