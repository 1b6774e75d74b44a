// Made from the OpenAPI description of the program by `npm run client`; do not edit.

export interface components {
    schemas: {
        /** @description The own account. */
        Account: {
            /** Format: date-time */
            created_at: string;
            full_name: string;
            has_password: boolean;
            has_second_factor: boolean;
            /** Format: date-time */
            last_login_at?: string | null;
            must_change_password: boolean;
            name: string;
            /**
             * Format: int32
             * @description Unused recovery codes of the second factor.
             */
            recovery_codes_left: number;
            roles: components["schemas"]["RoleInScope"][];
        };
        /** @description Alarms to acknowledge together. */
        AcknowledgeManyRequest: {
            comment?: string | null;
            /** @description Numbers of alarms. */
            ids: number[];
        };
        /** @description An acknowledgement. */
        AcknowledgeRequest: {
            comment?: string | null;
        };
        /** @description Times from annunciation to acknowledgement. */
        AcknowledgeTimes: {
            /** Format: double */
            median?: number | null;
            /**
             * Format: double
             * @description Nine of ten acknowledgements were at least as fast.
             */
            p90?: number | null;
            /** @description Annunciations without acknowledgement. */
            unacknowledged: number;
        };
        /** @description The result of acknowledging several alarms. */
        AcknowledgedMany: {
            acknowledged: number;
            refused: components["schemas"]["RefusedAlarm"][];
        };
        /** @description A user that was just added. */
        AddedUser: {
            /** @description The password of the first login, which has to be replaced then. It cannot be shown again. */
            temporary_password: string;
            user: components["schemas"]["User"];
        };
        /** @description An alarm: a rule on one object. */
        Alarm: {
            /** Format: date-time */
            acknowledged_at?: string | null;
            acknowledged_by?: string | null;
            /** @description User who takes care of it. */
            assignee?: string | null;
            cause: string;
            /**
             * Format: int32
             * @description Number of comments.
             */
            comments: number;
            consequence: string;
            /**
             * @description `above` or `below`: where the condition is met. An active alarm whose value is on the other side of the
             *     limit is within the deadband. Null for conditions that compare no value.
             */
            direction?: string | null;
            /** @description Why the condition is met, in words. */
            evidence?: string | null;
            /**
             * Format: int64
             * @description Number of the journal entry that raised it; 0 if it was never raised, for example shelved before:
             *     then `rule/object` takes its place in addresses.
             */
            id: number;
            /** @description Whether the condition is met, after delays. */
            is_active: boolean;
            /** @description Kind of the condition, such as `temperature`; null if the rule no longer exists. */
            kind?: string | null;
            /** Format: double */
            limit?: number | null;
            /**
             * @description Commands that the caller has the permission for and that the state permits: `acknowledge`, `shelve`,
             *     `unshelve`, `comment`, `assign`, `out_of_service`, `in_service`.
             */
            may: string[];
            /** @description Sensor, group of sensors, unit, object of a statement, partition, table, or `plant`. */
            object: string;
            /** @description Role that responds. */
            owner: string;
            place: components["schemas"]["AlarmPlace"];
            /**
             * Format: int32
             * @description 1 is the most urgent, 4 the least.
             */
            priority: number;
            /** Format: date-time */
            raised_at?: string | null;
            response: string;
            /** Format: date-time */
            returned_at?: string | null;
            rule: string;
            /** Format: date-time */
            shelved_until_at?: string | null;
            /**
             * Format: date-time
             * @description When the state was entered.
             */
            since_at: string;
            /** @description Whether pages sound when it is raised. */
            sound: boolean;
            /**
             * @description `normal`, `unacknowledged`, `acknowledged`, `returned_unacknowledged`, `shelved`, `suppressed` or
             *     `out_of_service`.
             */
            state: string;
            text: string;
            unit: string;
            /**
             * Format: double
             * @description Value at the last transition, in `unit`.
             */
            value?: number | null;
        };
        /** @description Numbers of current alarms. */
        AlarmCounts: {
            /** @description Unacknowledged, acknowledged and returned. */
            open: components["schemas"]["ByPriority"];
            out_of_service: number;
            shelved: number;
            suppressed: number;
            /** @description Unacknowledged and returned. */
            unacknowledged: components["schemas"]["ByPriority"];
        };
        /** @description An alarm with its history. */
        AlarmDetail: {
            alarm: components["schemas"]["Alarm"];
            /** @description The journal of this occurrence, oldest entries first. */
            events: components["schemas"]["JournalEntry"][];
            statistics: components["schemas"]["AlarmStatistics"];
        };
        /** @description A figure and its target. */
        AlarmFigure: {
            /**
             * Format: double
             * @description What is very likely to be acceptable.
             */
            acceptable: number;
            is_acceptable: boolean;
            is_manageable: boolean;
            /**
             * Format: double
             * @description What is manageable at most.
             */
            maximum: number;
            /**
             * @description `per_hour`, `per_10_min`, `peak_10_min`, `overloaded_hours_share`, `flood_share`, `top_share`,
             *     `chattering`, `fleeting`, `stale`, `priority_1_share` to `priority_4_share`.
             */
            name: string;
            /** Format: double */
            value: number;
        };
        /** @description A message to one recipient. */
        AlarmNotification: {
            /**
             * Format: int64
             * @description The alarm; null for a group or a test.
             */
            alarm_id?: number | null;
            /** Format: int32 */
            attempts: number;
            body: string;
            channel: string;
            /**
             * Format: date-time
             * @description When it is sent, or attempted again.
             */
            due_at: string;
            /** Format: int64 */
            id: number;
            /** @description `alarm`, `returned`, `escalation`, `group` or `test`. */
            kind: string;
            last_error?: string | null;
            /** Format: int32 */
            priority: number;
            /** Format: date-time */
            queued_at: string;
            /** @description Name of a person, or `channel:NAME`. */
            recipient: string;
            /** Format: date-time */
            sent_at?: string | null;
            /** @description `waiting`, `sending`, `sent`, `failed`, `dropped` or `grouped`. */
            state: string;
            subject: string;
        };
        /**
         * @description Figures of the alarms that the caller sees. Only annunciations count: alarms raised, and alarms raised
         *     again because their shelving expired. Shares are from 0 to 1.
         */
        AlarmPerformance: {
            acknowledge_s: components["schemas"]["AcknowledgeTimes"];
            annunciations: number;
            /** @description Annunciations of each ten minutes in which there are some. */
            buckets: components["schemas"]["LoadBucket"][];
            /** @description Annunciations by priority. */
            by_priority: components["schemas"]["ByPriority"];
            /** @description Alarms annunciated at least 3 times in 60 s, the worst first. */
            chattering: components["schemas"]["AlarmTimes"][];
            /** @description Figures beside the targets of ANSI/ISA-18.2-2016, clause 16.5. */
            figures: components["schemas"]["AlarmFigure"][];
            /** @description Alarms whose condition ended within 10 s, chattering aside, the worst first. */
            fleeting: components["schemas"]["AlarmTimes"][];
            /**
             * Format: double
             * @description Share of time in floods.
             */
            flood_time_share: number;
            floods: components["schemas"]["FloodPeriod"][];
            /** Format: date-time */
            from: string;
            /**
             * Format: double
             * @description Share of hours with more than 30 annunciations per position.
             */
            hours_above_30_share: number;
            /** @description Most annunciations of all positions in ten minutes. */
            max_10_min: number;
            /**
             * Format: double
             * @description Mean per position.
             */
            per_10_min: number;
            /**
             * Format: double
             * @description Mean per position.
             */
            per_hour: number;
            /** @description Operator positions that share the alarms. */
            positions: number;
            /** @description Alarms annunciated for more than 24 h, the oldest first. */
            stale: components["schemas"]["StaleAlarm"][];
            /** Format: date-time */
            to: string;
            /** @description The ten most frequent alarms. */
            top: components["schemas"]["AlarmShare"][];
        };
        /** @description Where the object of an alarm is, as far as it is known. */
        AlarmPlace: {
            area?: string | null;
            lane?: string | null;
            line?: string | null;
            plant?: string | null;
            unit?: string | null;
        };
        /** @description A rule in the file. */
        AlarmRule: {
            is_enabled: boolean;
            /** @description `temperature`, `rate`, `deviation`, `count`, `silent`, `stuck`, `anomaly`, `kpi`, `sql` or `data`. */
            kind?: string | null;
            /** @description Line of the rule in the file, from 1. */
            line: number;
            name: string;
            /** @description Number of sensors, groups, units or rows that it applies to. */
            objects: number;
            /**
             * Format: int32
             * @description 1 is the most urgent; null for a rule with a mistake.
             */
            priority?: number | null;
            /** @description The first mistake, for which it is left out. */
            problem?: string | null;
            text?: string | null;
            /** @description The rule as it is written. */
            toml: string;
        };
        /** @description The rules of the file, in its order. */
        AlarmRulesAnswer: {
            /** @description Whether the caller can change the rules here. */
            is_writable: boolean;
            problems: components["schemas"]["RuleProblem"][];
            /** @description Why not. */
            reason?: string | null;
            /** @description Version of the file: the body of a change. */
            revision: string;
            rules: components["schemas"]["AlarmRule"][];
        };
        /** @description A frequent alarm. */
        AlarmShare: {
            annunciations: number;
            object: string;
            rule: string;
            /**
             * Format: double
             * @description Share of all annunciations.
             */
            share: number;
        };
        /** @description How often an alarm was raised, and for how long. */
        AlarmStatistics: {
            /** @description Times it was raised within a minute after at least two others. */
            chattering: number;
            /**
             * Format: double
             * @description Median time from raised to returned or cleared; null if it never returned.
             */
            median_s?: number | null;
            /** @description Times it was raised in the last 30 days. */
            times_30d: number;
        };
        /** @description An alarm that was annunciated several times. */
        AlarmTimes: {
            object: string;
            rule: string;
            times: number;
        };
        /** @description Current alarms. */
        AlarmsAnswer: {
            /** @description Unacknowledged ones first, then by priority, then by the time they were raised. */
            alarms: components["schemas"]["Alarm"][];
            /**
             * Format: date-time
             * @description Time of the alarms: event time, which runs apart from the clock when old data is replayed.
             */
            at: string;
            /** @description Of all alarms that the caller sees, whatever the filter. */
            counts: components["schemas"]["AlarmCounts"];
            /**
             * Format: int64
             * @description Number of the newest journal entry that is contained: the parameter `after` of the live stream.
             */
            cursor: number;
            flood: components["schemas"]["Flood"];
        };
        /** @description Who takes care of an alarm. */
        AssignRequest: {
            /** @description Name of a user; null removes the assignment. */
            user?: string | null;
        };
        /** @description An entry and its hash. */
        AuditAnchor: {
            hash: string;
            /** Format: int64 */
            seq: number;
        };
        /** @description An entry of the audit log. */
        AuditEntry: {
            /** @description User name, `terminal:ACCOUNT`, `program`, or `-` if not known. */
            actor: string;
            address?: string | null;
            /** Format: date-time */
            at: string;
            detail: Record<string, unknown>;
            /** @description Hash of this entry. */
            hash: string;
            kind: string;
            /** @description Hash of the previous entry. */
            prev: string;
            /**
             * Format: int64
             * @description From 1, without gaps.
             */
            seq: number;
        };
        /** @description A page of the audit log, newest first. */
        AuditPage: {
            entries: components["schemas"]["AuditEntry"][];
            /**
             * Format: int64
             * @description `before_seq` of the next page; null after the oldest entry.
             */
            next_before_seq?: number | null;
        };
        /** @description The result of a verification. */
        AuditVerification: {
            broken?: components["schemas"]["BrokenEntry"] | null;
            /**
             * Format: int64
             * @description Valid entries before the first broken one.
             */
            entries: number;
            last?: components["schemas"]["AuditAnchor"] | null;
        };
        /** @description A board: how it is laid out and what its tiles show. */
        BoardAnswer: {
            /**
             * Format: int32
             * @description Columns of the grid.
             */
            columns: number;
            description: string;
            /** @description Whether a statement depends on the time control. */
            has_time: boolean;
            is_writable: boolean;
            name: string;
            /** @description Mistakes of the file as it is now; the board is that of the version before. */
            problems: components["schemas"]["BoardProblem"][];
            /** @description Why not. */
            reason?: string | null;
            /** @description Version of the file. */
            revision: string;
            /** @description From left to right and from top to bottom. */
            tiles: components["schemas"]["BoardTile"][];
            /** @description The choice of the time control when the page is opened: `live`, `this`, `last`, `today` or `7d`. */
            time: string;
            title: string;
        };
        /** @description A stored change. */
        BoardChanged: {
            /** @description The change in the unified format, as it is in the audit log. */
            diff: string;
            /** @description The new version of the file. */
            revision: string;
        };
        /** @description What is wrong with a text, what it changes, and what it shows. */
        BoardCheckAnswer: {
            board?: components["schemas"]["BoardAnswer"] | null;
            data?: components["schemas"]["BoardRows"] | null;
            /** @description The change of the file in the unified format. */
            diff: string;
            /** @description Mistakes by line; none if it is valid. */
            problems: components["schemas"]["BoardProblem"][];
        };
        /** @description A text to check. */
        BoardCheckRequest: {
            /** @description The whole file. */
            toml: string;
        };
        /** @description A column of a tile. */
        BoardColumn: {
            /**
             * Format: int32
             * @description Digits after the point.
             */
            digits?: number | null;
            /** @description Whether tables leave it out. */
            is_hidden: boolean;
            name: string;
            title: string;
            /** @description `text`, `integer`, `decimal`, `day`, `time` or `boolean`. */
            type: string;
            /** @description `%` for a share from 0 to 1. */
            unit?: string | null;
        };
        /** @description A board in the list. */
        BoardInfo: {
            description: string;
            /** @description Whether its file has mistakes; then the board as it was before is shown, if there was one. */
            is_faulty: boolean;
            name: string;
            /** @description Number of tiles. */
            tiles: number;
            title: string;
        };
        /** @description A bound beyond which values are marked. It is a number or a column. */
        BoardLimit: {
            /** @description The column with the bound of each row. */
            bound_column?: string | null;
            /** @description The column that is compared; null for that of the value. */
            column?: string | null;
            /** @description Whether values above it are marked, otherwise those below. */
            is_above: boolean;
            /** Format: double */
            number?: number | null;
            /**
             * Format: int32
             * @description Alarm priority, 1 to 4; null for a deviation from a target.
             */
            priority?: number | null;
        };
        /** @description The production days of the parameters `:from`, `:to` (which is `:day`) and `:shift`. */
        BoardPeriod: {
            from: string;
            /** @description Null for all shifts. */
            shift?: string | null;
            to: string;
        };
        /** @description A mistake in the file of a board. */
        BoardProblem: {
            /** @description From 1. */
            line: number;
            message: string;
            remedy: string;
        };
        /** @description A file to store. */
        BoardRequest: {
            /** @description Version of the file that the change is based on; that of an empty text for a new board. */
            revision: string;
            /** @description The whole file; empty to remove the board. */
            toml: string;
        };
        /** @description The rows of the tiles. */
        BoardRows: {
            /** @description When the newest of the tables changed (UTC); null without a table. */
            as_of?: string | null;
            period: components["schemas"]["BoardPeriod"];
            /** @description In the order of the board. */
            tiles: components["schemas"]["BoardTileRows"][];
            /** @description The tables that were read. */
            versions: components["schemas"]["BoardTableVersion"][];
        };
        /** @description The file of a board. */
        BoardSource: {
            is_writable: boolean;
            /** @description Why not. */
            reason?: string | null;
            /** @description Version of the file: the body of a change. */
            revision: string;
            /** @description Empty if there is no file. */
            toml: string;
        };
        /** @description The version of a table that was read. */
        BoardTableVersion: {
            /** @description UTC. */
            committed_at: string;
            table: string;
            /** Format: int64 */
            version: number;
        };
        /** @description A tile of a board. */
        BoardTile: {
            /** @description Whether its statement depends on the time control. */
            has_time: boolean;
            /**
             * Format: int32
             * @description Rows of the grid that it covers.
             */
            height: number;
            /** @description `number`, `trend`, `table`, `timeline`, `bars`, `heat` or `control`. */
            kind: string;
            limits: components["schemas"]["BoardLimit"][];
            /** @description Address of a page of the cockpit, with `{column}` for values of the row. */
            link?: string | null;
            name: string;
            /** @description Columns of the result by the part of the tile that they are shown in: `value`, `x`, `y` and others. */
            roles: {
                [key: string]: string[];
            };
            /**
             * Format: int64
             * @description Age of the data from which it is stale.
             */
            stale_after_s?: number | null;
            title: string;
            /**
             * Format: int32
             * @description Columns of the grid that it covers.
             */
            width: number;
        };
        /** @description Why a tile has no rows. */
        BoardTileError: {
            /** @description For programs: stays the same from release to release. */
            code: string;
            /** @description Line in the file of the board, from 1, if the error has a position. */
            line?: number | null;
            message: string;
        };
        /** @description The rows of a tile, or the reason why there are none. */
        BoardTileRows: {
            /** @description When the newest of its tables changed (UTC). */
            as_of?: string | null;
            columns: components["schemas"]["BoardColumn"][];
            error?: components["schemas"]["BoardTileError"] | null;
            /** @description Whether further rows are left out. */
            is_truncated: boolean;
            /** @description Tables of the statement that have no data yet. */
            missing_tables: string[];
            name: string;
            /** @description One object for each row, by name of column. */
            rows: {
                [key: string]: unknown;
            }[];
            /** @description The statement with its values, for /explore. */
            sql: string;
        };
        /** @description The boards of the plant. */
        BoardsAnswer: {
            boards: components["schemas"]["BoardInfo"][];
            /** @description Whether the caller can add and change boards here. */
            is_writable: boolean;
            /** @description Why not. */
            reason?: string | null;
        };
        /** @description An entry at which the verification failed. */
        BrokenEntry: {
            /** @description What is wrong, in words. */
            reason: string;
            /** Format: int64 */
            seq: number;
        };
        /** @description Version and commit of the program. */
        BuildInfo: {
            commit: string;
            version: string;
        };
        /**
         * @description The level of the equipment that is summed to.
         * @enum {string}
         */
        By: "unit" | "line" | "plant";
        /** @description A number for each priority. */
        ByPriority: {
            1: number;
            2: number;
            3: number;
            4: number;
        };
        /** @description What the other set counts differently. */
        Cause: {
            say: string;
            /**
             * Format: double
             * @description Its share of the difference.
             */
            share: number;
        };
        /** @description A code of the authenticator app. */
        CodeProof: {
            code: string;
        };
        /** @description The description of a column. */
        ColumnInfo: {
            description?: string | null;
            name: string;
            /** @description Type, as [`type_name`] writes it. */
            type: string;
            unit?: string | null;
        };
        /** @description A comment. */
        CommentRequest: {
            text: string;
        };
        /** @description A token that was just created. */
        CreatedToken: {
            /** @description The token itself. It is not stored and cannot be shown again. */
            secret: string;
            token: components["schemas"]["Token"];
        };
        /** @description Who is logged in, and with which permissions. */
        CurrentSession: {
            /**
             * Format: date-time
             * @description When the session ends at the latest; null without a session.
             */
            expires_at?: string | null;
            full_name: string;
            /** @description Whether this program manages alarms; without them the routes for alarms answer 409. */
            has_alarms: boolean;
            has_second_factor: boolean;
            /** @description Whether a temporary password has to be replaced before anything else. */
            must_change_password: boolean;
            name: string;
            /** @description Whether a role requires a second factor, which has to be set up before anything else. */
            needs_second_factor: boolean;
            /** @description The permissions that are granted, each with the scopes it is granted in; `plant` is everywhere. */
            permissions: {
                [key: string]: string[];
            };
            roles: components["schemas"]["RoleInScope"][];
            /** @description `session`, `token`, or, where no login is required, `open` or `demo`. */
            via: string;
        };
        /** @description The definition of a KPI. */
        Definition: {
            /** @description `higher` or `lower`. */
            better: string;
            caveat: string;
            denominator: string;
            formula: string;
            name: string;
            /** @description SQL over the sums of the table's columns. */
            numerator: string;
            /** @description The standard that defines it. */
            set_name: string;
            source: string;
            table_name: string;
            title: string;
            /** @description `%` for shares, whose values go from 0 to 1. */
            unit: string;
        };
        /** @description The difference of a KPI from the corresponding one of another set. */
        Difference: {
            /** @description The KPI of the other set. */
            against: string;
            causes: components["schemas"]["Cause"][];
            /**
             * Format: double
             * @description Its value.
             */
            other: number;
            /**
             * Format: double
             * @description This value minus the other one: the sum of the causes.
             */
            value: number;
        };
        /**
         * @description The periods that are summed over.
         * @enum {string}
         */
        Each: "hour" | "shift" | "day" | "range";
        /** @description Nothing. */
        EmptyRequest: Record<string, unknown>;
        /** @description Body of every response that is an error: problem details (RFC 9457). */
        ErrorBody: {
            /** @description The kind, for programs: stays the same from release to release. */
            code: string;
            /**
             * Format: int64
             * @description Column in that line, from 1.
             */
            column?: number | null;
            /** @description What is wrong in this request, for people. */
            detail: string;
            /** @description Code and detail as in earlier versions. */
            error: components["schemas"]["ErrorDetail"];
            /**
             * Format: uri-reference
             * @description Path of the request.
             */
            instance: string;
            /**
             * Format: int64
             * @description Line in the SQL text, from 1, if the error has a position.
             */
            line?: number | null;
            /** @description What the client or its user can do about errors of this kind. */
            remedy: string;
            /**
             * Format: int32
             * @description The status of the response.
             */
            status: number;
            /** @description The kind in a few words. */
            title: string;
            /**
             * Format: uri-reference
             * @description The kind of the error: its place on the page of this interface.
             */
            type: string;
        };
        /** @description The description of an error in the form of earlier versions. */
        ErrorDetail: {
            /** @description The same as `code` of the error. */
            code: string;
            /**
             * Format: int64
             * @description The same as `column` of the error.
             */
            column?: number | null;
            /**
             * Format: int64
             * @description The same as `line` of the error.
             */
            line?: number | null;
            /** @description The same as `detail` of the error. */
            message: string;
        };
        /** @description An identity at an identity provider. */
        ExternalIdentity: {
            issuer: string;
            subject: string;
        };
        /** @description The figure of a KPI. */
        Figure: {
            /** Format: double */
            denominator?: number | null;
            difference?: components["schemas"]["Difference"] | null;
            /**
             * Format: double
             * @deprecated
             * @description The same as `upper_bound`.
             */
            high?: number | null;
            /**
             * Format: double
             * @deprecated
             * @description The same as `lower_bound`.
             */
            low?: number | null;
            /**
             * Format: double
             * @description Lower bound, if something is unknown.
             */
            lower_bound?: number | null;
            /**
             * @deprecated
             * @description The same as `zero_denominator_meaning`.
             */
            none?: string | null;
            /** Format: double */
            numerator?: number | null;
            /**
             * @deprecated
             * @description The same as `unknown_reason`.
             */
            unknown?: string | null;
            /** @description Why the figure is unknown. */
            unknown_reason?: string | null;
            /**
             * Format: double
             * @description Upper bound, if something is unknown.
             */
            upper_bound?: number | null;
            /**
             * Format: double
             * @description Numerator divided by denominator; null if the denominator is 0 or the figure is unknown.
             */
            value?: number | null;
            /** @description What a denominator of 0 means, if the figure is not unknown for another reason. */
            zero_denominator_meaning?: string | null;
        };
        /** @description Whether there are more alarms than an operator can handle. */
        Flood: {
            /** @description Alarms raised in the last ten minutes. */
            in_10_min: number;
            /** @description It began with more than 10 alarms in ten minutes, and ends with fewer than 5. */
            is_flood: boolean;
            /** @description Alarms raised in each of the last twelve spans of ten minutes, oldest first. */
            per_10_min: number[];
            /** Format: date-time */
            since_at?: string | null;
        };
        /** @description A flood: more than 10 alarms in ten minutes, until fewer than 5. */
        FloodPeriod: {
            annunciations: number;
            first?: components["schemas"]["NamedAlarm"] | null;
            /** Format: date-time */
            from: string;
            /** Format: date-time */
            to: string;
        };
        /** @description The state of the program. */
        Health: {
            build: components["schemas"]["BuildInfo"];
            /** @description Whether the plant is simulated, so that no value is a measurement. */
            is_simulated: boolean;
            /** @description Location of the lake, without credentials. */
            lake: string;
            last_run?: components["schemas"]["RunInfo"] | null;
            /**
             * Format: date-time
             * @description When the next ingest run starts (UTC).
             */
            next_run_at?: string | null;
            /** @description Name of the plant. */
            plant: string;
            /** @description Why the state is not `running`, for people. */
            reason?: string | null;
            state: components["schemas"]["State"];
            /** @description Time zone of the plant ("Asia/Kolkata"). */
            zone: string;
        };
        /** @description The readings of a sensor. */
        HistoryAnswer: {
            /** Format: int64 */
            bucket_s: number;
            /**
             * Format: date-time
             * @description Begin and end of the span, widened to whole buckets; the end is exclusive.
             */
            from: string;
            /** Format: double */
            limit_c: number;
            /** @description Buckets with at least one reading, in ascending order. */
            points: components["schemas"]["Point"][];
            sensor: string;
            /** @description Tables that were read; `memory` for the last minutes. */
            sources: string[];
            /** Format: date-time */
            to: string;
        };
        /** @description The components of one type in one lane. */
        Hottest: components["schemas"]["Window"] & {
            /**
             * Format: date-time
             * @description Newest event time of its sensors (UTC).
             */
            at: string;
            component: string;
            lane: string;
            /**
             * Format: int32
             * @description Sensors above the limit in the last ten minutes.
             */
            over_limit: number;
            plant: string;
            /** Format: int32 */
            sensors: number;
            /** Format: int32 */
            silent: number;
            /**
             * Format: double
             * @description The highest current temperature of its sensors, silent ones excluded.
             */
            temp_c?: number | null;
        };
        /** @description A report that is to be issued. */
        IssueRequest: {
            /** @description `en`, `ml` or `hi`; that of the schedule if left out. */
            language?: string | null;
            /** @description Values of parameters; others have their defaults. */
            parameters?: {
                [key: string]: string;
            };
            /** @description Whether it is sent to the recipients of the report. */
            send?: boolean;
        };
        /** @description The number of a new issued report. */
        IssuedNumber: {
            /** Format: int64 */
            id: number;
        };
        /** @description An issued report with its deliveries. */
        IssuedReportDetail: {
            deliveries: components["schemas"]["ReportDelivery"][];
            /** @description Differences from the corrected report; the list may be cut off. */
            differences: Record<string, unknown>[];
            issued: components["schemas"]["IssuedReportInfo"];
            /** @description Version of each table that it read. */
            versions: {
                [key: string]: number;
            };
        };
        /** @description A file of an issued report. */
        IssuedReportFile: {
            /** @description `pdf`, `xlsx`, `csv` or `html`. */
            format: string;
            name: string;
            /** @description SHA-256 of the bytes. */
            sha256: string;
            /** Format: int64 */
            size_bytes: number;
        };
        /** @description An issued report. */
        IssuedReportInfo: {
            /** @description `user`, `schedule` or `correction`. */
            cause: string;
            /**
             * Format: int64
             * @description The issued report that corrects this one.
             */
            corrected_by?: number | null;
            /**
             * Format: int64
             * @description The issued report that this one corrects.
             */
            corrects?: number | null;
            /**
             * Format: date-time
             * @description When the youngest table that it read last changed.
             */
            data_as_of?: string | null;
            /**
             * Format: int64
             * @description Number of differences from the corrected report.
             */
            differences_total: number;
            files: components["schemas"]["IssuedReportFile"][];
            /** Format: int64 */
            id: number;
            /** Format: date-time */
            issued_at: string;
            /** @description The user who issued it. */
            issued_by?: string | null;
            language: string;
            /** @description Values of the parameters by name. */
            parameters: Record<string, unknown>;
            report: string;
            /**
             * Format: date-time
             * @description Time of the run of the schedule.
             */
            run_at?: string | null;
            title: string;
        };
        /** @description A page of issued reports, newest first. */
        IssuedReportsAnswer: {
            issued: components["schemas"]["IssuedReportInfo"][];
            /**
             * Format: int64
             * @description `before` of the next page; null after the oldest one.
             */
            next_before?: number | null;
        };
        /** @description An entry of the journal. */
        JournalEntry: {
            /** @description User who caused it; null if the rule did. */
            actor?: string | null;
            /** Format: date-time */
            at: string;
            comment?: string | null;
            evidence?: string | null;
            /** @description State before. */
            from: string;
            /**
             * Format: int64
             * @description The alarm: number of the entry that raised it; 0 without one.
             */
            id: number;
            /** Format: double */
            limit?: number | null;
            /**
             * Format: int64
             * @description Position in the journal, from 1, without gaps.
             */
            number: number;
            object: string;
            /** Format: int32 */
            priority: number;
            /**
             * Format: date-time
             * @description Event time of the reading behind the value.
             */
            reading_at?: string | null;
            rule: string;
            /** @description State after. */
            to: string;
            /**
             * @description `raised`, `returned`, `cleared`, `acknowledged`, `shelved`, `unshelved`, `shelving_expired`,
             *     `suppressed`, `unsuppressed`, `out_of_service`, `in_service`, `commented`, `assigned` or `rule_changed`.
             */
            transition: string;
            /** Format: double */
            value?: number | null;
        };
        /** @description A page of the journal, newest entries first. */
        JournalPage: {
            events: components["schemas"]["JournalEntry"][];
            /**
             * Format: int64
             * @description `before` of the next page; null after the oldest entry.
             */
            next_before?: number | null;
        };
        /** @description KPIs and their definitions. */
        KpisAnswer: {
            /** @description The same as `level`. */
            by: components["schemas"]["By"];
            definitions: components["schemas"]["Definition"][];
            /** @description The same as `granularity`. */
            each: components["schemas"]["Each"];
            /**
             * Format: date
             * @description The first production day requested.
             */
            from?: string | null;
            granularity: components["schemas"]["Each"];
            level: components["schemas"]["By"];
            rows: components["schemas"]["Row"][];
            /**
             * Format: date
             * @description The last production day requested.
             */
            to?: string | null;
        };
        /** @description State of the connection to the source of the readings. */
        LinkAnswer: {
            /**
             * Format: int64
             * @description Messages that are not read yet.
             */
            lag_messages: number;
            reason?: string | null;
            /** @description `connected`, `lost`, `failed` (needs an operator), or `none` without a source. */
            state: string;
        };
        /** @description Annunciations of ten minutes. */
        LoadBucket: {
            annunciations: number;
            /**
             * Format: date-time
             * @description Begin of the ten minutes.
             */
            at: string;
        };
        /** @description The rest of a logout. */
        LoggedOut: {
            /** @description The address that ends the session at the provider and leads back to the login page. */
            provider_logout_url: string;
        };
        /** @description Name and password of a login. */
        LoginRequest: {
            /** @description The code of the authenticator app, or a recovery code; required if the user has a second factor. */
            code?: string | null;
            name: string;
            password: string;
        };
        /** @description An alarm of a figure. */
        NamedAlarm: {
            /** Format: int64 */
            id: number;
            object: string;
            /** Format: int32 */
            priority: number;
            rule: string;
            text: string;
        };
        /** @description A way to reach people. */
        NotificationChannel: {
            /** @description Whether messages are only shown here and not sent. */
            is_demo: boolean;
            /** @description `email`, `webhook`, `slack`, `teams`, `telegram`, `ntfy`, `mqtt` or `outbox`. */
            kind: string;
            name: string;
        };
        /** @description A page of notifications, newest first. */
        NotificationsAnswer: {
            channels: components["schemas"]["NotificationChannel"][];
            /**
             * Format: int32
             * @description Number of notifications that were given up.
             */
            failed: number;
            /**
             * Format: int64
             * @description `before` of the next page; null after the oldest one.
             */
            next_before?: number | null;
            notifications: components["schemas"]["AlarmNotification"][];
            /**
             * Format: int32
             * @description Number of notifications that wait for their time or for an attempt.
             */
            waiting: number;
        };
        /** @description Current temperatures. */
        NowAnswer: {
            /**
             * Format: date-time
             * @description End of both windows: the newest event time of any sensor (UTC); null before the first reading.
             */
            at?: string | null;
            /** @description Highest, mean and variance in the last thirty minutes, by plant, lane and component type. */
            hottest: components["schemas"]["Hottest"][];
            /**
             * Format: date-time
             * @description Begin of the thirty minutes over which highest, mean and variance are; belongs to them.
             */
            hottest_from?: string | null;
            /** Format: double */
            limit_c: number;
            link: components["schemas"]["LinkAnswer"];
            /** @description Components above the limit in the last ten minutes, by type. */
            over_limit: components["schemas"]["OverLimit"][];
            /**
             * Format: date-time
             * @description Begin of the ten minutes in which components above the limit are counted; belongs to them.
             */
            over_limit_from?: string | null;
            /**
             * Format: int64
             * @description Messages of the last ten minutes that hold no reading.
             */
            rejected: number;
            /** @description Every sensor; empty if `sensors=false`. */
            sensors: components["schemas"]["Sensor"][];
        };
        /** @description A provider on the login page. */
        OpenIdButton: {
            /** @description Whether the provider could be reached last. */
            is_available: boolean;
            name: string;
            /** @description The address that begins the login; it takes the parameter `next`. */
            start: string;
            title: string;
        };
        /** @description The providers to log in with. */
        OpenIdProviders: {
            providers: components["schemas"]["OpenIdButton"][];
        };
        /** @description Why an alarm is taken out of service. */
        OutOfServiceRequest: {
            reason: string;
        };
        /** @description Components of one type. */
        OverLimit: {
            component: string;
            /**
             * Format: int32
             * @description Those with at least one reading above the limit in the last ten minutes.
             */
            over_limit: number;
            /** Format: int32 */
            sensors: number;
        };
        /** @description A page of a table. (Streamed; this type describes it.) */
        PageAnswer: {
            /**
             * Format: date-time
             * @description When the table last changed (UTC).
             */
            as_of?: string | null;
            /** Format: int64 */
            limit: number;
            /** Format: int64 */
            offset: number;
            /**
             * @description One object per row, by column name. Decimals are exact JSON numbers, dates `2023-01-31`,
             *     times RFC 3339 in UTC, NaN and infinities null.
             */
            rows: {
                [key: string]: unknown;
            }[];
            /**
             * Format: int64
             * @description Rows of the table that meet the filters.
             */
            total: number;
            /**
             * Format: int64
             * @description Version of the table the rows are from; null if it has none.
             */
            version?: number | null;
        };
        /** @description A parameter of a table. */
        ParameterInfo: {
            /** @description Description of the default value ("today"). */
            default?: string | null;
            description?: string | null;
            name: string;
            /** @description `date`, `bigint`, `double`, `boolean` or `text`. */
            type: string;
        };
        /** @description The current and the new password. */
        PasswordChange: {
            current: string;
            new: string;
        };
        /** @description The current password, which confirms a change of the second factor. */
        PasswordProof: {
            password: string;
        };
        /** @description A permission and the roles that include it. */
        Permission: {
            /** @description Whether an API token can have it. */
            by_token: boolean;
            name: string;
            /**
             * @description `scoped`: in the scope of the role; `plant`: only with the role in the whole plant; `own`: on the
             *     own account.
             */
            reach: string;
            roles: string[];
            /** @description What it allows, to follow "may". */
            text: string;
        };
        /** @description The subject of a row; dimensions that were summed over are null. */
        Place: {
            /**
             * Format: date
             * @description The day of an hour.
             */
            day_local?: string | null;
            /**
             * Format: int32
             * @description Hour of the plant's clock, 0 to 23.
             */
            hour_local?: number | null;
            line?: string | null;
            /** Format: date */
            production_day?: string | null;
            /** @description Null also for time outside every shift. */
            shift?: string | null;
            unit?: string | null;
        };
        /** @description The readings of one bucket. */
        Point: {
            /**
             * Format: date-time
             * @description Begin of the bucket (UTC).
             */
            at: string;
            /** Format: int64 */
            readings: number;
            /** Format: double */
            temp_c_max: number;
            /** Format: double */
            temp_c_mean: number;
            /** Format: double */
            temp_c_min: number;
        };
        /** @description The result of a statement. (Streamed; this type describes it.) */
        QueryAnswer: {
            columns: components["schemas"]["ResultColumn"][];
            /**
             * Format: int64
             * @description Number of rows in `rows`.
             */
            row_count: number;
            /** @description One object per row, by column name. */
            rows: {
                [key: string]: unknown;
            }[];
            /** @description Whether rows beyond the limit are left out. */
            truncated: boolean;
        };
        /** @description A statement to run. */
        QueryRequest: {
            /** @description One SELECT, WITH, EXPLAIN, SHOW or DESCRIBE. */
            sql: string;
        };
        /** @description A message that was queued. */
        QueuedTest: {
            /**
             * Format: int64
             * @description Number of the notification.
             */
            id: number;
        };
        /** @description New recovery codes, which cannot be shown again. */
        RecoveryCodes: {
            recovery_codes: string[];
        };
        /** @description An alarm that was not acknowledged. */
        RefusedAlarm: {
            /** @description As in errors: `not_found`, `forbidden`, `refused`. */
            code: string;
            /** Format: int64 */
            id: number;
            message: string;
        };
        /** @description A delivery of an issued report. */
        ReportDelivery: {
            /** Format: int32 */
            attempts: number;
            /** @description Name of the channel; null for a folder. */
            channel?: string | null;
            /**
             * Format: date-time
             * @description When it is attempted next.
             */
            due_at: string;
            /** @description Formats of the files; empty for a link. */
            formats: string[];
            /** Format: int64 */
            id: number;
            /** @description `message` or `folder`. */
            kind: string;
            last_error?: string | null;
            /** Format: date-time */
            queued_at: string;
            /** @description Name of a person, `channel:NAME`, an address, or a location. */
            recipient: string;
            /** Format: date-time */
            sent_at?: string | null;
            /** @description `waiting`, `sending`, `sent` or `failed`. */
            state: string;
        };
        /** @description A report of the plant folder. */
        ReportInfo: {
            description: string;
            last_issued?: components["schemas"]["IssuedReportInfo"] | null;
            name: string;
            parameters: components["schemas"]["ReportParameter"][];
            /** @description Why the last run of the schedule failed; null if it did not. */
            problem?: string | null;
            recipients: components["schemas"]["ReportRecipient"][];
            schedule?: components["schemas"]["ReportSchedule"] | null;
            title: string;
        };
        /** @description A value that a report is run with. */
        ReportParameter: {
            /** @description Values to choose from; empty if any value is valid, and in lists of reports. */
            choices: string[];
            /** @description A value, or `today`, `yesterday`, `last`, `last_week`, `current` or `first`. */
            default: string;
            /** @description `day`, `shift`, `text` or `number`. */
            kind: string;
            name: string;
            title: string;
        };
        /** @description A report that is run without being issued. */
        ReportPreview: {
            /**
             * Format: date-time
             * @description When the youngest table that it read last changed.
             */
            data_as_of?: string | null;
            /** @description Each page as SVG. */
            pages: string[];
            /** @description The values of the parameters. */
            parameters: {
                [key: string]: string;
            };
            /** @description Receipt: the same for the same definition, parameters and versions. */
            receipt: string;
            /**
             * Format: int64
             * @description Rows of all queries.
             */
            rows: number;
            title: string;
        };
        /** @description Who receives a report. */
        ReportRecipient: {
            formats: string[];
            /** @description `email`, `link`, `folder` or `s3`. */
            kind: string;
            /** @description Roles and addresses, or a location. */
            to: string[];
        };
        /** @description When a report is issued without a request. */
        ReportSchedule: {
            /** @description The shift after whose end it is issued. */
            after_shift?: string | null;
            /** @description Local time of the plant. */
            at?: string | null;
            /** @description Weekdays with `at`, such as `Mon`. */
            days: string[];
            /** Format: int32 */
            delay_min?: number | null;
            formats: string[];
            language: string;
            /**
             * Format: date-time
             * @description The next time, if one is known.
             */
            next_at?: string | null;
            /** @description Whether it is issued when the data of a day is final. */
            when_final: boolean;
        };
        /** @description The reports of the plant. */
        ReportsAnswer: {
            reports: components["schemas"]["ReportInfo"][];
        };
        /** @description A column of a result. */
        ResultColumn: {
            name: string;
            type: string;
        };
        /** @description A role in a scope. */
        RoleInScope: {
            /** @description `viewer`, `operator`, `supervisor`, `engineer` or `administrator`. */
            role: string;
            /** @description `plant`, `area:NAME` or `line:AREA/NAME`. */
            scope: string;
            /** @description `local` if an administrator has assigned it, `external` if an identity provider has; ignored in requests. */
            source?: string | null;
        };
        /** @description Roles and their permissions. */
        Roles: {
            permissions: components["schemas"]["Permission"][];
            /** @description From the fewest permissions to the most. */
            roles: string[];
            /** @description The scopes that a role can be assigned in: the plant, its areas, its lines. */
            scopes: string[];
        };
        /** @description The roles that replace those of a user. */
        RolesRequest: {
            roles: components["schemas"]["RoleInScope"][];
        };
        /** @description The figures of one combination of dimensions. */
        Row: components["schemas"]["Place"] & {
            /** @description By the name of the KPI. */
            kpis: {
                [key: string]: components["schemas"]["Figure"];
            };
            standing: components["schemas"]["Standing"];
        };
        /** @description A change of the file. */
        RuleChanged: {
            /** @description The change in the unified format, as it is in the journal. */
            diff: string;
            /** @description The new version of the file. */
            revision: string;
        };
        /** @description What is wrong with a rule, and what the change of the file would be. */
        RuleCheckAnswer: {
            /** @description The change in the unified format. */
            diff: string;
            /** @description Lines are those of the rule as it was sent. */
            problems: components["schemas"]["RuleProblem"][];
        };
        /** @description A rule to check. */
        RuleCheckRequest: {
            /** @description The rule that it replaces; a new one if left out. */
            name?: string | null;
            /** @description One `[[rule]]`. */
            toml: string;
        };
        /** @description A mistake or a warning. */
        RuleProblem: {
            file: string;
            /** @description Whether the rule works nevertheless. */
            is_warning: boolean;
            /** @description From 1. */
            line: number;
            message: string;
            remedy: string;
            /** @description The rule that has it; null outside the rules. */
            rule?: string | null;
        };
        /** @description A rule to store. */
        RuleRequest: {
            /** @description Whether the change is only checked, and not stored. */
            dry_run?: boolean;
            /** @description Version of the file that the change is based on. */
            revision: string;
            /** @description One `[[rule]]`, which may have another name; empty to remove the rule. */
            toml: string;
        };
        /** @description One ingest run and the fate of its records. */
        RunInfo: {
            /** Format: date-time */
            ended_at?: string | null;
            /** Format: int64 */
            landed: number;
            /** @description Whether every source was read to its end. */
            ok: boolean;
            /** Format: int64 */
            read: number;
            /** Format: int64 */
            rejected: number;
            /** Format: date-time */
            started_at: string;
        };
        /** @description What an authenticator app needs. */
        SecondFactorKey: {
            /** @description The key in Base32, for typing. */
            key: string;
            /** @description The `otpauth` address, for a QR code. */
            uri: string;
        };
        /** @description One sensor. */
        Sensor: components["schemas"]["Window"] & {
            /**
             * Format: double
             * @description Age of that reading in event time.
             */
            age_s: number;
            /** Format: date-time */
            at: string;
            component: string;
            /** @description Whether a reading of the last ten minutes was above the limit. */
            is_over_limit: boolean;
            lane: string;
            manufacturer: string;
            plant: string;
            /**
             * Format: double
             * @description Slope of the last two minutes; null if all readings have the same time.
             */
            rate_c_per_min?: number | null;
            /**
             * Format: int32
             * @description Seconds of the last ten minutes with a reading above the limit.
             */
            seconds_over_limit: number;
            sensor: string;
            state: components["schemas"]["SensorState"];
            /**
             * Format: double
             * @description The newest reading by event time.
             */
            temp_c: number;
        };
        /**
         * @description Whether a sensor sends readings.
         * @enum {string}
         */
        SensorState: "live" | "silent";
        /** @description An active session. */
        Session: {
            address: string;
            agent: string;
            /** Format: date-time */
            created_at: string;
            /**
             * Format: date-time
             * @description When it ends at the latest.
             */
            expires_at: string;
            /** Format: int64 */
            id: number;
            /** @description Whether this request is part of it. */
            is_current: boolean;
            /** Format: date-time */
            last_seen_at: string;
            /** @description `password`, `password+totp`, `password+recovery`, `external`, `setup` or `terminal`. */
            method: string;
            user: string;
        };
        /** @description Active sessions, the most recently used first. */
        Sessions: {
            sessions: components["schemas"]["Session"][];
        };
        /** @description The first administrator. */
        SetupRequest: {
            full_name?: string;
            name: string;
            password: string;
            /** @description The secret of the link that the program prints at its first start. */
            secret: string;
        };
        /** @description Whether the first administrator has yet to be created. */
        SetupState: {
            needs_setup: boolean;
        };
        /** @description For how long and why an alarm is shelved. */
        ShelveRequest: {
            /**
             * Format: int32
             * @description Minutes from now on; or `until`.
             */
            minutes?: number | null;
            reason: string;
            /** @description `end_of_shift`. */
            until?: string | null;
        };
        /** @description A source and its last read. */
        SourceInfo: {
            /** @description Where the source is, without secrets. */
            address: string;
            /**
             * Format: date-time
             * @description Start of the last read that returned new records.
             */
            changed_at?: string | null;
            /** @description Where the next increment starts; null if the source is read as a whole. */
            checkpoint?: string | null;
            /** @description Why the last read failed and what to do. */
            error?: string | null;
            /** Format: date-time */
            failing_since?: string | null;
            /** @description Whether the next read is overdue. */
            is_late: boolean;
            /** @description `files`, `sql`, `http`, `topics` or `mqtt`. */
            kind: string;
            /**
             * Format: double
             * @description Seconds since the start of the last read that succeeded.
             */
            lag_s?: number | null;
            /**
             * Format: date-time
             * @description Null if the source is refused, and for topics, which are read continuously.
             */
            next_read_at?: string | null;
            /** Format: date-time */
            read_at: string;
            /**
             * Format: int64
             * @description New records of that read.
             */
            records: number;
            /**
             * Format: double
             * @description New records of that read per second; null if it took no time.
             */
            records_per_s?: number | null;
            /** @description System the records come from. */
            source: string;
            /** @description `ok`, `failing` or `refused`. */
            state: string;
            /** @description The bronze table. */
            table: string;
            /**
             * Format: int64
             * @description Messages that are not read yet; null for other sources than topics.
             */
            unread?: number | null;
        };
        /** @description The sources. */
        SourcesAnswer: {
            /**
             * Format: date-time
             * @description The time to which lags refer.
             */
            as_of: string;
            sources: components["schemas"]["SourceInfo"][];
        };
        /** @description An alarm that has been annunciated for long. */
        StaleAlarm: components["schemas"]["NamedAlarm"] & {
            /** Format: date-time */
            since_at: string;
        };
        /**
         * @description The status of a figure.
         * @enum {string}
         */
        Standing: "provisional" | "certified" | "restated";
        /**
         * @description Whether the program works.
         * @enum {string}
         */
        State: "starting" | "running" | "degraded";
        /** @description The description of a table. */
        TableInfo: {
            columns: components["schemas"]["ColumnInfo"][];
            description: string;
            /** @description Columns that together identify a row; empty if none are declared. */
            key: string[];
            /** @description Parameters the table can be recomputed with. */
            parameters: components["schemas"]["ParameterInfo"][];
            /**
             * Format: int64
             * @description Number of rows, if known without reading them.
             */
            rows?: number | null;
            schema: string;
            table: string;
            /**
             * Format: date-time
             * @description When the table last changed (UTC).
             */
            updated_at?: string | null;
            /**
             * Format: int64
             * @description Version of the table in the lake.
             */
            version?: number | null;
        };
        /** @description Every table of the lake. */
        TablesAnswer: {
            tables: components["schemas"]["TableInfo"][];
        };
        /** @description A temporary password, which cannot be shown again. */
        TemporaryPassword: {
            temporary_password: string;
        };
        /** @description A message that tests a channel. */
        TestRequest: {
            channel: string;
            /** @description Name of a person; the channel itself if left out. */
            recipient?: string | null;
        };
        /** @description An API token, without its secret. */
        Token: {
            /** @description Names of the permissions it has at most. */
            actions: string[];
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at: string;
            /** Format: int64 */
            id: number;
            /**
             * Format: date-time
             * @description Within a minute; null if it was never used.
             */
            last_used_at?: string | null;
            name: string;
            /** Format: date-time */
            revoked_at?: string | null;
            scope: string;
            user: string;
        };
        /** @description A token to create. */
        TokenRequest: {
            /** @description Names of permissions that the owner has, such as `read_tables`. */
            actions: string[];
            /**
             * Format: int32
             * @description How long it is valid, in seconds.
             */
            life_s: number;
            /** @description For its owner to recognize it. */
            name: string;
            /** @description `plant`, `area:NAME` or `line:AREA/NAME`. */
            scope: string;
        };
        /** @description API tokens, newest first, with expired and revoked ones. */
        Tokens: {
            tokens: components["schemas"]["Token"][];
        };
        /** @description The alarms that a rule would have raised, beside those of the rule in use. */
        Trial: {
            /** @description Alarms that only this rule raises. */
            added: components["schemas"]["TrialAlarm"][];
            alarms: number;
            alarms_before: number;
            /** @description Alarms that chatter. */
            chattering: number;
            /** @description The first 500 journal entries. */
            events: components["schemas"]["JournalEntry"][];
            /**
             * Format: double
             * @description By how much the first alarm comes later; negative if earlier.
             */
            first_delay_s?: number | null;
            floods: number;
            floods_before: number;
            /** @description Whether the condition cannot be tried out: only those on sensors can. */
            is_not_replayable: boolean;
            /** @description Alarms that both raise, with their delays. */
            kept: components["schemas"]["TrialAlarm"][];
            /** @description Alarms of the rule in use that this one does not raise. */
            missed: components["schemas"]["TrialAlarm"][];
            per_day: components["schemas"]["TrialDay"][];
            /**
             * Format: int64
             * @description Readings that were evaluated.
             */
            readings: number;
            suggestion?: components["schemas"]["TrialSuggestion"] | null;
        };
        /** @description An alarm of one of the rules. */
        TrialAlarm: {
            /** Format: date-time */
            at: string;
            /**
             * Format: double
             * @description By how much it comes later than that of the rule in use.
             */
            delay_s?: number | null;
            object: string;
            /** Format: int32 */
            priority: number;
            rule: string;
            /** Format: double */
            value?: number | null;
        };
        /** @description The alarms of a day of the plant. */
        TrialDay: {
            alarms: number;
            alarms_before: number;
            /** Format: date */
            day: string;
        };
        /** @description What to try out: a rule as it is written, or the one in use with a name. */
        TrialRequest: {
            /** @description Begin of the period (RFC 3339). */
            from: string;
            name?: string | null;
            /** @description End of the period (RFC 3339). */
            to: string;
            /** @description One `[[rule]]`. It is compared with the rule in use of the same name. */
            toml?: string | null;
        };
        /** @description A deadband and an on-delay with fewer alarms. */
        TrialSuggestion: {
            /** Format: double */
            deadband: number;
            /** Format: double */
            on_delay_s: number;
            text: string;
        };
        /** @description A user. */
        User: {
            /** Format: date-time */
            created_at: string;
            /**
             * Format: date-time
             * @description When the user was disabled; null for an active user.
             */
            disabled_at?: string | null;
            external: components["schemas"]["ExternalIdentity"][];
            full_name: string;
            has_password: boolean;
            has_second_factor: boolean;
            /** Format: int64 */
            id: number;
            /** Format: date-time */
            last_login_at?: string | null;
            /** @description Whether a temporary password has to be replaced before anything else. */
            must_change_password: boolean;
            name: string;
            roles: components["schemas"]["RoleInScope"][];
        };
        /** @description A user to add. */
        UserRequest: {
            full_name?: string;
            /** @description 1 to 128 letters a to z, digits and `. _ - @ +`. */
            name: string;
            roles: components["schemas"]["RoleInScope"][];
        };
        /** @description All users, ordered by name. */
        Users: {
            users: components["schemas"]["User"][];
        };
        /** @description Statistics of the readings of the last thirty minutes; null if there are none. */
        Window: {
            /** Format: int64 */
            readings: number;
            /** Format: double */
            temp_c_max?: number | null;
            /** Format: double */
            temp_c_mean?: number | null;
            /** Format: double */
            temp_c_min?: number | null;
            /**
             * Format: double
             * @description Root of the variance.
             */
            temp_c_sd?: number | null;
            /**
             * Format: double
             * @description Mean square distance from the mean.
             */
            temp_c_variance?: number | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type Schemas = components['schemas']

/** The JSON of each route, by its method and its path below `/api/v1`. */
export interface Answers {
  'GET /account': Schemas['Account']
  'POST /account/recovery-codes': Schemas['RecoveryCodes']
  'POST /account/second-factor': Schemas['SecondFactorKey']
  'POST /account/second-factor/confirm': Schemas['RecoveryCodes']
  'GET /account/sessions': Schemas['Sessions']
  'GET /account/tokens': Schemas['Tokens']
  'POST /account/tokens': Schemas['CreatedToken']
  'GET /alarms': Schemas['AlarmsAnswer']
  'POST /alarms/acknowledge': Schemas['AcknowledgedMany']
  'POST /alarms/backtest': Schemas['Trial']
  'GET /alarms/journal': Schemas['JournalPage']
  'GET /alarms/performance': Schemas['AlarmPerformance']
  'GET /alarms/rules': Schemas['AlarmRulesAnswer']
  'POST /alarms/rules/check': Schemas['RuleCheckAnswer']
  'PUT /alarms/rules/{name}': Schemas['RuleChanged']
  'GET /alarms/{id}': Schemas['AlarmDetail']
  'POST /alarms/{id}/acknowledge': Schemas['Alarm']
  'POST /alarms/{id}/assign': Schemas['Alarm']
  'POST /alarms/{id}/comment': Schemas['Alarm']
  'POST /alarms/{id}/in-service': Schemas['Alarm']
  'POST /alarms/{id}/out-of-service': Schemas['Alarm']
  'POST /alarms/{id}/shelve': Schemas['Alarm']
  'POST /alarms/{id}/unshelve': Schemas['Alarm']
  'GET /audit': Schemas['AuditPage']
  'GET /audit/verify': Schemas['AuditVerification']
  'GET /boards': Schemas['BoardsAnswer']
  'GET /boards/{name}': Schemas['BoardAnswer']
  'PUT /boards/{name}': Schemas['BoardChanged']
  'POST /boards/{name}/check': Schemas['BoardCheckAnswer']
  'GET /boards/{name}/data': Schemas['BoardRows']
  'GET /boards/{name}/source': Schemas['BoardSource']
  'GET /health': Schemas['Health']
  'GET /issued-reports': Schemas['IssuedReportsAnswer']
  'GET /issued-reports/{id}': Schemas['IssuedReportDetail']
  'GET /kpis': Schemas['KpisAnswer']
  'GET /notifications': Schemas['NotificationsAnswer']
  'POST /notifications/test': Schemas['QueuedTest']
  'GET /openid': Schemas['OpenIdProviders']
  'GET /query': Schemas['QueryAnswer']
  'POST /query': Schemas['QueryAnswer']
  'GET /reports': Schemas['ReportsAnswer']
  'GET /reports/{name}': Schemas['ReportInfo']
  'POST /reports/{name}/issue': Schemas['IssuedNumber']
  'GET /reports/{name}/preview': Schemas['ReportPreview']
  'GET /roles': Schemas['Roles']
  'GET /session': Schemas['CurrentSession']
  'POST /session': Schemas['CurrentSession']
  'DELETE /session': Schemas['LoggedOut']
  'GET /sessions': Schemas['Sessions']
  'GET /setup': Schemas['SetupState']
  'POST /setup': Schemas['CurrentSession']
  'GET /sources': Schemas['SourcesAnswer']
  'GET /tables': Schemas['TablesAnswer']
  'GET /tables/{schema}/{table}': Schemas['PageAnswer']
  'GET /temperatures': Schemas['HistoryAnswer']
  'GET /temperatures/now': Schemas['NowAnswer']
  'GET /tokens': Schemas['Tokens']
  'GET /users': Schemas['Users']
  'POST /users': Schemas['AddedUser']
  'POST /users/{name}/reset-password': Schemas['TemporaryPassword']
  'GET /users/{name}/sessions': Schemas['Sessions']
  'GET /users/{name}/tokens': Schemas['Tokens']
}
