/** English texts of the page of one station. */
export const station = {
  'station.title': 'Station',
  'station.open': 'States, cycles and stops of {station}',
  'station.none': 'There are no boards, no plan and no machine events of {station} in this period.',
  'station.plan': '{percent} of plan {planned}, {delta}',
  'station.availability': 'Availability',
  'station.effectiveness': 'Effectiveness',
  'station.stopped': 'Stopped or in setup',
  'station.stops': 'Stops',
  'station.stops.count': '{count} stops',
  'station.stops.each': 'Each stop',
  'station.stops.none': 'No stop is recorded in this period.',
  'station.losses': 'Why it stopped',
  'station.reason': 'Reason',
  'station.reason.none': 'no reason given',
  'station.category': 'Category',
  'station.time': 'Time',
  'station.part': 'Of all time',
  'station.orders': 'Orders',
  'station.orders.none': 'No board was made in this period.',
  'station.cycle': 'Cycle times',
  'station.cycle.words':
    'median {median} s, ideal {ideal} s; {slow} of {boards} cycles slower than 1.5 times the ideal',
  'station.cycle.legend':
    'Each line is the time from one board to the next; stops of more than 5 min are left out. Step line: ideal time of the item.',
  'station.cycle.none': 'No cycles: fewer than two boards were made.',
  'station.cycle.median': 'Cycle / ideal',
} as const
