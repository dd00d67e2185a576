CREATE TABLE "rejects" (
	"job_id" text NOT NULL,
	"line" integer NOT NULL,
	"field" text,
	"reason" text NOT NULL,
	"text" text,
	CONSTRAINT "rejects_job_id_line_pk" PRIMARY KEY("job_id","line")
);
--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "rejected" integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "rejects" ALTER COLUMN "job_id" SET STATISTICS 0;
