CREATE TABLE "attempts" (
	"job_id" text NOT NULL,
	"seq" integer NOT NULL,
	"batch" integer NOT NULL,
	"round" smallint NOT NULL,
	"error_class" text NOT NULL,
	"error" text NOT NULL,
	"answer" text,
	"model" text,
	"input_tokens" integer DEFAULT 0 NOT NULL,
	"output_tokens" integer DEFAULT 0 NOT NULL,
	"cached_tokens" integer DEFAULT 0 NOT NULL,
	"cache_write_tokens" integer DEFAULT 0 NOT NULL,
	"reasoning_tokens" integer DEFAULT 0 NOT NULL,
	"cost_nanos" bigint,
	"raw" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "attempts_job_id_seq_batch_pk" PRIMARY KEY("job_id","seq","batch")
);
--> statement-breakpoint
CREATE TABLE "batch_items" (
	"job_id" text NOT NULL,
	"batch" integer NOT NULL,
	"seq" integer NOT NULL,
	CONSTRAINT "batch_items_job_id_batch_seq_pk" PRIMARY KEY("job_id","batch","seq")
);
--> statement-breakpoint
CREATE TABLE "batches" (
	"job_id" text NOT NULL,
	"batch" integer NOT NULL,
	"round" smallint NOT NULL,
	"shard" integer NOT NULL,
	"split_from" integer,
	"provider" text NOT NULL,
	"simulated" boolean NOT NULL,
	"model" text NOT NULL,
	"endpoint" text NOT NULL,
	"status" text DEFAULT 'planned' NOT NULL,
	"result" text,
	"listed" boolean NOT NULL,
	"seq_from" integer NOT NULL,
	"seq_to" integer NOT NULL,
	"items" integer NOT NULL,
	"bytes" bigint NOT NULL,
	"tokens" bigint NOT NULL,
	"attempt" smallint DEFAULT 0 NOT NULL,
	"token" text,
	"request_hash" text,
	"input_file_id" text,
	"key_fingerprint" text,
	"provider_batch_id" text,
	"provider_status" text,
	"reported_done" integer,
	"reported_failed" integer,
	"polls" integer DEFAULT 0 NOT NULL,
	"answered" integer DEFAULT 0 NOT NULL,
	"error_code" text,
	"error_message" text,
	"readmissions" smallint DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"submitted_at" timestamp (3) with time zone,
	"expires_at" timestamp (3) with time zone,
	"next_poll_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "batches_job_id_batch_pk" PRIMARY KEY("job_id","batch"),
	CONSTRAINT "batches_shard" UNIQUE("job_id","round","shard")
);
--> statement-breakpoint
CREATE TABLE "budgets" (
	"scope" text PRIMARY KEY NOT NULL,
	"limit_nanos" bigint NOT NULL,
	"spent_nanos" bigint DEFAULT 0 NOT NULL,
	"reserved_nanos" bigint DEFAULT 0 NOT NULL,
	"hard" boolean NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "events" (
	"job_id" text NOT NULL,
	"n" integer NOT NULL,
	"type" text NOT NULL,
	"data" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "events_job_id_n_pk" PRIMARY KEY("job_id","n")
);
--> statement-breakpoint
CREATE TABLE "inputs" (
	"id" text PRIMARY KEY NOT NULL,
	"content_hash" text NOT NULL,
	"name" text,
	"media_type" text NOT NULL,
	"bytes" bigint NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "items" (
	"job_id" text NOT NULL,
	"seq" integer NOT NULL,
	"custom_id" text NOT NULL,
	"line" text NOT NULL,
	"bytes" integer NOT NULL,
	"tokens" integer NOT NULL,
	"endpoint" text,
	"model" text,
	"metadata" text,
	"warnings" text,
	CONSTRAINT "items_job_id_seq_pk" PRIMARY KEY("job_id","seq")
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text DEFAULT 'default' NOT NULL,
	"idempotency_key" text,
	"content_hash" text,
	"name" text,
	"status" text NOT NULL,
	"pause_reason" text,
	"pause_detail" text,
	"provider" text NOT NULL,
	"model" text,
	"endpoint" text,
	"simulated" boolean NOT NULL,
	"spec" text NOT NULL,
	"tags" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"priority" integer DEFAULT 10 NOT NULL,
	"mixed" boolean DEFAULT false NOT NULL,
	"item_schemas" boolean DEFAULT false NOT NULL,
	"items" integer DEFAULT 0 NOT NULL,
	"succeeded" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"expired" integer DEFAULT 0 NOT NULL,
	"cancelled" integer DEFAULT 0 NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"unpriced" integer DEFAULT 0 NOT NULL,
	"input_tokens" bigint DEFAULT 0 NOT NULL,
	"output_tokens" bigint DEFAULT 0 NOT NULL,
	"cost_nanos" bigint DEFAULT 0 NOT NULL,
	"input_bytes" bigint DEFAULT 0 NOT NULL,
	"round" smallint DEFAULT 0 NOT NULL,
	"first_round" smallint DEFAULT 1 NOT NULL,
	"error_code" text,
	"error_message" text,
	"event_count" integer DEFAULT 0 NOT NULL,
	"cancel_requested_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"queued_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "jobs_idempotency" UNIQUE("tenant","idempotency_key")
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"job_id" text NOT NULL,
	"batch" integer NOT NULL,
	"lane" text NOT NULL,
	"model" text NOT NULL,
	"tokens" bigint NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "leases_job_id_batch_pk" PRIMARY KEY("job_id","batch")
);
--> statement-breakpoint
CREATE TABLE "ledger" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"batch" integer NOT NULL,
	"attempt" smallint NOT NULL,
	"kind" text NOT NULL,
	"amount_nanos" bigint NOT NULL,
	"simulated" boolean NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ledger_once" UNIQUE("job_id","batch","attempt","kind")
);
--> statement-breakpoint
CREATE TABLE "outcomes" (
	"job_id" text NOT NULL,
	"seq" integer NOT NULL,
	"status" text NOT NULL,
	"batch" integer,
	"round" smallint,
	"attempts" smallint NOT NULL,
	"error_class" text,
	"error" text,
	"finish_reason" text,
	"answer" text,
	"model" text,
	"input_tokens" integer DEFAULT 0 NOT NULL,
	"output_tokens" integer DEFAULT 0 NOT NULL,
	"cached_tokens" integer DEFAULT 0 NOT NULL,
	"cache_write_tokens" integer DEFAULT 0 NOT NULL,
	"reasoning_tokens" integer DEFAULT 0 NOT NULL,
	"cost_nanos" bigint,
	"warnings" text,
	"raw" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "outcomes_job_id_seq_pk" PRIMARY KEY("job_id","seq")
);
--> statement-breakpoint
CREATE TABLE "submissions" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"batch" integer NOT NULL,
	"attempt" smallint NOT NULL,
	"provider" text NOT NULL,
	"simulated" boolean NOT NULL,
	"token" text NOT NULL,
	"input_file_id" text,
	"request_hash" text NOT NULL,
	"key_fingerprint" text NOT NULL,
	"state" text NOT NULL,
	"send_deadline" timestamp (3) with time zone NOT NULL,
	"intended_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"settled_at" timestamp (3) with time zone,
	"provider_batch_id" text,
	"error" text
);
--> statement-breakpoint
CREATE TABLE "tickets" (
	"job_id" text NOT NULL,
	"batch" integer NOT NULL,
	"lane" text NOT NULL,
	"model" text NOT NULL,
	"priority" integer NOT NULL,
	"tokens" bigint NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"not_before" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tickets_job_id_batch_pk" PRIMARY KEY("job_id","batch")
);
--> statement-breakpoint
CREATE INDEX "batches_open" ON "batches" USING btree ("status") WHERE "batches"."status" <> 'ended';--> statement-breakpoint
CREATE UNIQUE INDEX "items_custom_id" ON "items" USING btree ("job_id","custom_id");--> statement-breakpoint
CREATE INDEX "jobs_created" ON "jobs" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "jobs_name" ON "jobs" USING btree ("name");--> statement-breakpoint
CREATE INDEX "jobs_open" ON "jobs" USING btree ("status") WHERE "jobs"."status" in ('validating', 'queued', 'in_progress', 'finalizing', 'cancelling', 'paused');--> statement-breakpoint
CREATE INDEX "leases_lane" ON "leases" USING btree ("lane");--> statement-breakpoint
CREATE INDEX "outcomes_not_succeeded" ON "outcomes" USING btree ("job_id","error_class") WHERE "outcomes"."status" <> 'succeeded';--> statement-breakpoint
CREATE UNIQUE INDEX "submissions_one_live" ON "submissions" USING btree ("job_id","batch") WHERE "submissions"."state" in ('intended', 'sending', 'created', 'quarantined');--> statement-breakpoint
CREATE UNIQUE INDEX "submissions_owner" ON "submissions" USING btree ("provider","provider_batch_id") WHERE "submissions"."provider_batch_id" is not null;--> statement-breakpoint
CREATE INDEX "submissions_batch" ON "submissions" USING btree ("job_id","batch");--> statement-breakpoint
CREATE INDEX "submissions_absent" ON "submissions" USING btree ("intended_at") WHERE "submissions"."state" in ('absent', 'abandoned');--> statement-breakpoint
CREATE INDEX "tickets_lane" ON "tickets" USING btree ("lane","priority","created_at");