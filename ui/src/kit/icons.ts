/** Paths on a 16 px grid, drawn in the colour of the surrounding text. */
export const icons = {
  now: 'M8 2v6l4 2.5M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2',
  temps: 'M6.5 9.2V3.5a1.5 1.5 0 0 1 3 0v5.7a3 3 0 1 1-3 0M8 6v5.5',
  make: 'M2.5 13.5h11M4 11V7M8 11V3M12 11V5.5',
  stock: 'M2.5 5 8 2l5.5 3v6L8 14l-5.5-3zM2.5 5 8 8l5.5-3M8 8v6',
  data: 'M3 4c0-1 2.2-1.75 5-1.75S13 3 13 4s-2.2 1.75-5 1.75S3 5 3 4v8c0 1 2.2 1.75 5 1.75s5-.75 5-1.75V4M3 8c0 1 2.2 1.75 5 1.75S13 9 13 8',
  alarms: 'M4 11.5V7a4 4 0 0 1 8 0v4.5M2.5 11.5h11M6.5 14h3',
  orders: 'M4 2.5h8v11H4zM6 5.5h4M6 8h4M6 10.5h2.5',
  quality: 'M2.5 13.5h11M2.5 9.5h11M3 7l2.5 3 2.5-6 2.5 4.5L13 5',
  explore: 'M2.5 3h11v10h-11zM5 6l2 2-2 2M8.5 10.5H11',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.4 10.4 14 14',
  more: 'M3 4.5h10M3 8h10M3 11.5h10',
  back: 'M10 3 5 8l5 5',
  next: 'm6 3 5 5-5 5',
  check: 'm3 8.5 3.5 3.5L13 4.5',
  circle: 'M8 3a5 5 0 0 1 0 10A5 5 0 0 1 8 3',
  restated: 'M3.5 8a4.5 4.5 0 1 0 1.6-3.4M3 2.5v3h3',
  down: 'M3 5h10l-5 7z',
  cross: 'm4 4 8 8m0-8-8 8',
  light:
    'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1.5v1.25M8 13.25v1.25M1.5 8h1.25M13.25 8h1.25M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  dark: 'M13 9.8A5.5 5.5 0 0 1 6.2 3 5.5 5.5 0 1 0 13 9.8',
  keys: 'M2 4.5h12v7H2zM4.5 7h.01M7 7h.01M9.5 7h.01M11.7 7h.01M5 9.5h6',
  link: 'M8 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5',
  user: 'M8 2.5a2.75 2.75 0 1 0 0 5.5 2.75 2.75 0 0 0 0-5.5M2.75 14c.4-2.8 2.5-4.25 5.25-4.25S12.85 11.2 13.25 14',
} as const

export type IconName = keyof typeof icons
