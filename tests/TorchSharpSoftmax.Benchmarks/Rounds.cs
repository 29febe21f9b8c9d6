using System.Collections.Immutable;
using System.IO.Enumeration;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Perfolizer.Horology;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>The median time of one variant on one shape in one round, in nanoseconds per call; or, for columns that show no time, what they show.</summary>
internal sealed record Measurement(Type Table, ICase Case, string Variant, int Round, double Value);

/// <summary>
/// Runs all benchmarks several times over in this one process. Within a round the variants of a case run next to each other in a
/// shuffled order, so that drift of the machine's speed hits them alike; ratios are formed inside a round only.
/// </summary>
internal static class Rounds
{
    /// <summary>The rounds from a first one on, of those rows only that are asked for.</summary>
    public static List<Measurement> Run(Table[] tables, int rounds, string[] filters, int first = 0, Func<Table, ICase, bool>? only = null)
    {
        only ??= (_, _) => true;
        var all = new List<Measurement>();
        for (int round = first; round < first + rounds; round++)
        {
            int before = all.Count;
            foreach (Table table in tables)
            {
                all.AddRange(table.Measure is null ? FromBenchmarks(table, round, filters, only) : FromTable(table, round, round - first, filters, only));
            }

            if (all.Count == before)
            {
                break;
            }

            Console.WriteLine($"round {round - first + 1} of {rounds} done");
        }

        return all;
    }

    private static IEnumerable<Measurement> FromBenchmarks(Table table, int round, string[] filters, Func<Table, ICase, bool> only)
    {
        Summary summary = BenchmarkRunner.Run(table.Type, Config(round, filters).AddFilter(new SimpleFilter(run => only(table, Case(run)))));
        Workload.Drop();
        return
        [
            .. from report in summary.Reports
               where report.ResultStatistics is not null
               let run = report.BenchmarkCase
               select new Measurement(table.Type, Case(run), run.Descriptor.WorkloadMethod.Name, round, report.ResultStatistics!.Median),
        ];
    }

    private static ICase Case(BenchmarkCase run) => (ICase)run.Parameters.Items[0].Value;

    /// <summary>A filter is of the table's name, or as BenchmarkDotNet's of the name with the row in brackets.</summary>
    private static IEnumerable<Measurement> FromTable(Table table, int round, int before, string[] filters, Func<Table, ICase, bool> only)
    {
        string name = $"{table.Type.FullName}.{nameof(table.Measure)}";
        bool Wanted(ICase row) => before < row.MostRounds && only(table, row)
            && filters.Any(filter => FileSystemName.MatchesSimpleExpression(filter, name) || FileSystemName.MatchesSimpleExpression(filter, $"{name}({row})"));
        return table.Measure!(round, Wanted);
    }

    private static ManualConfig Config(int round, string[] filters) =>
        ManualConfig.CreateEmpty()
            .AddJob(Job.Default
                .WithToolchain(InProcessNoEmitToolchain.Instance)
                .WithStrategy(RunStrategy.Throughput)
                .WithWarmupCount(1)
                .WithIterationCount(3)
                .WithIterationTime(TimeInterval.FromMilliseconds(10))
                .WithMinInvokeCount(1)
                .WithUnrollFactor(1)
                .WithEvaluateOverhead(false))
            .AddLogger(NullLogger.Instance)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddFilter(new GlobFilter(filters))
            .WithOrderer(new Shuffled(round))
            .WithOptions(ConfigOptions.DisableLogFile | ConfigOptions.DisableOptimizationsValidator);

    /// <summary>Cases in their order, the variants of each in an order drawn for this round.</summary>
    private sealed class Shuffled(int round) : DefaultOrderer
    {
        public override IEnumerable<BenchmarkCase> GetExecutionOrder(
            ImmutableArray<BenchmarkCase> cases, IEnumerable<BenchmarkLogicalGroupRule>? order = null)
        {
            var random = new Random(1000 + round);
            return cases.GroupBy(c => c.Parameters.DisplayInfo).SelectMany(variants => variants.OrderBy(_ => random.Next()).ToList());
        }

        /// <summary>As they ran, not by their names.</summary>
        public override IEnumerable<BenchmarkCase> GetSummaryOrder(ImmutableArray<BenchmarkCase> cases, Summary summary) => cases;
    }
}
