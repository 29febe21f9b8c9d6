using System.Collections.Immutable;
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

/// <summary>The median time of one variant on one shape in one round, in nanoseconds per call.</summary>
internal sealed record Measurement(Type Group, Shape Shape, string Variant, int Round, double Nanoseconds);

/// <summary>
/// Runs all benchmarks several times over in this one process. Within a round the variants of a shape run next to each other in a
/// shuffled order, so that drift of the machine's speed hits them alike; ratios are formed inside a round only.
/// </summary>
internal static class Rounds
{
    public static List<Measurement> Run(int rounds, string[] filters)
    {
        var all = new List<Measurement>();
        for (int round = 0; round < rounds; round++)
        {
            foreach (Type type in new[] { typeof(SoftmaxForward), typeof(SoftmaxBackward), typeof(SoftmaxAllocating), typeof(SoftmaxForwardBackward) })
            {
                Summary summary = BenchmarkRunner.Run(type, Config(round, filters));
                all.AddRange(summary.Reports.Where(r => r.ResultStatistics is not null).Select(r => From(r, round)));
                Workload.Drop();
            }

            Console.WriteLine($"round {round + 1} of {rounds} done");
        }

        return all;
    }

    private static Measurement From(BenchmarkReport report, int round)
    {
        return new Measurement(report.BenchmarkCase.Descriptor.Type, (Shape)report.BenchmarkCase.Parameters[nameof(Workload.Shape)],
            report.BenchmarkCase.Descriptor.WorkloadMethod.Name, round, report.ResultStatistics!.Median);
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

    /// <summary>Shapes in their order, the variants of each in an order drawn for this round.</summary>
    private sealed class Shuffled(int round) : DefaultOrderer
    {
        public override IEnumerable<BenchmarkCase> GetExecutionOrder(
            ImmutableArray<BenchmarkCase> cases, IEnumerable<BenchmarkLogicalGroupRule>? order = null)
        {
            var random = new Random(1000 + round);
            return cases.GroupBy(c => c.Parameters.DisplayInfo).SelectMany(shape => shape.OrderBy(_ => random.Next()).ToList());
        }
    }
}
