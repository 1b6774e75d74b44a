/** Calls of the routes for reports, issued reports and their deliveries. */
import { API_ROOT, call } from '../kit/http'
import type { Answer } from '../kit/schema'

export const REPORT_FORMATS = ['pdf', 'xlsx', 'csv', 'html'] as const
export type ReportFormat = (typeof REPORT_FORMATS)[number]

export interface ReportParameter {
  name: string
  title: string
  kind: 'day' | 'shift' | 'text' | 'number'
  default: string
  /** Values to choose from; empty if any value is valid. */
  choices: string[]
}

export interface ReportSchedule {
  at: string | null
  days: string[]
  after_shift: string | null
  delay_min: number | null
  when_final: boolean
  formats: string[]
  language: string
  next_at: string | null
}

export interface ReportRecipient {
  kind: 'email' | 'link' | 'folder' | 's3'
  to: string[]
  formats: string[]
}

export interface IssuedReport {
  id: number
  report: string
  title: string
  language: string
  parameters: Record<string, string | number>
  issued_at: string
  cause: 'user' | 'schedule' | 'correction'
  issued_by: string | null
  run_at: string | null
  data_as_of: string | null
  corrects: number | null
  corrected_by: number | null
  differences_total: number
  files: { format: string; name: string; size_bytes: number; sha256: string }[]
}

export type ReportInfo = Answer<
  'ReportInfo',
  {
    parameters: ReportParameter[]
    schedule: ReportSchedule | null
    recipients: ReportRecipient[]
    last_issued: IssuedReport | null
  }
>

export type ReportDelivery = Answer<
  'ReportDelivery',
  { kind: 'message' | 'folder'; state: 'waiting' | 'sending' | 'sent' | 'failed' }
>

/** A difference between a correction and the report that it corrects. */
export interface Difference {
  query: string
  row: string
  change: 'changed' | 'added' | 'removed'
  column?: string
  unit?: string | null
  before?: unknown
  after?: unknown
}

export interface IssuedDetail {
  issued: IssuedReport
  deliveries: ReportDelivery[]
  differences: Difference[]
  versions: Record<string, number>
}

/** `pages`: each page as SVG. */
export type ReportPreview = Answer<'ReportPreview'>

/** Values of parameters, and the language. */
export type RunValues = Record<string, string>

const path = (name: string): string => `/reports/${encodeURIComponent(name)}`

function query(values: Record<string, string>): string {
  const text = new URLSearchParams(values).toString()
  return text ? `?${text}` : ''
}

/** The address of a report as a file. */
export const fileUrl = (name: string, values: RunValues, format: ReportFormat): string =>
  `${API_ROOT}${path(name)}/file${query({ ...values, format })}`

/** The address of a file of an issued report. */
export const issuedFileUrl = (id: number, format: string): string =>
  `${API_ROOT}/issued-reports/${id}/files/${format}`

export const reportApi = {
  list: () => call<{ reports: ReportInfo[] }>('GET', '/reports'),
  read: (name: string) => call<ReportInfo>('GET', path(name)),
  preview: (name: string, values: RunValues) =>
    call<ReportPreview>('GET', `${path(name)}/preview${query(values)}`),
  issue: (name: string, body: { parameters: RunValues; language?: string; send: boolean }) =>
    call<{ id: number }>('POST', `${path(name)}/issue`, body),
  issued: (report: string, before: number | null = null) =>
    call<{ issued: IssuedReport[]; next_before: number | null }>(
      'GET',
      `/issued-reports${query({ report, ...(before !== null && { before: String(before) }) })}`,
    ),
  detail: (id: number) => call<IssuedDetail>('GET', `/issued-reports/${id}`),
  retry: (id: number) => call('POST', `/report-deliveries/${id}/retry`),
}
