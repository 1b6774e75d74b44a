import { t } from '../kit/i18n'
import { dec, int, NONE, percent, quantity } from '../kit/numbers'
import type { Column } from '../kit/table'
import type { Amount } from './stock'

/** Whole rupees in tables; downloads have the exact value. */
const rupee = (value: number | null): string => (value === null ? NONE : int(Math.round(value)))

/**
 * Columns for entries, quantity and value; the share of the total value if that is given; the
 * unpriced quantity only if there is any.
 */
export function amounts<R extends Amount>(rows: readonly R[], whole?: number): Column<R>[] {
  const columns: Column<R>[] = [
    {
      key: 'entries',
      label: t('stock.entries'),
      numeric: true,
      wide: true,
      text: (row) => int(row.entries),
      value: (row) => row.entries,
    },
    {
      key: 'quantity',
      label: t('stock.quantity'),
      unit: t('unit.pieces'),
      numeric: true,
      text: (row) => quantity(row.quantity),
      value: (row) => row.quantity,
    },
    {
      key: 'value',
      label: t('stock.value'),
      unit: t('unit.rupees'),
      numeric: true,
      text: (row) => rupee(row.value),
      value: (row) => row.value,
    },
  ]
  if (whole !== undefined) columns.push(share(whole))
  if (rows.some((row) => row.unpriced_quantity !== 0)) {
    columns.push({
      key: 'unpriced',
      label: t('stock.unpriced'),
      unit: t('unit.pieces'),
      numeric: true,
      text: (row) => quantity(row.unpriced_quantity),
      value: (row) => row.unpriced_quantity,
    })
  }
  return columns
}

/** The share of the total value. */
function share<R extends Amount>(whole: number): Column<R> {
  return {
    key: 'share',
    label: t('stock.share'),
    numeric: true,
    text: (row) => percent(row.value ?? 0, whole) ?? NONE,
  }
}

/** The value as a bar, relative to the largest row. */
export function bars<R extends Amount>(rows: readonly R[]): Column<R>[] {
  const most = Math.max(1, ...rows.map((row) => row.value ?? 0))
  return [
    { key: 'bar', label: '', text: () => '', bar: (row) => ({ part: (row.value ?? 0) / most }) },
  ]
}

/** The total row of the columns of `amounts`. */
export function totalTexts(total: Amount & { value: number }): Record<string, string> {
  return {
    entries: int(total.entries),
    quantity: quantity(total.quantity),
    value: int(Math.round(total.value)),
    unpriced: quantity(total.unpriced_quantity),
    share: total.value === 0 ? '' : `${dec(100, 1)} %`,
  }
}
