using TorchSharpSoftmax.Kernels;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>topk_gate on as many tokens as training has.</summary>
internal static class Gate
{
    internal static readonly Table Table = new(
        "gating",
        "topk_gate of tokens x experts, of which each token keeps k, forward and backward through autograd, beside the same composed of libtorch's operators: topk and a softmax of what it finds; "
        + "a softmax of all and topk (of all); sigmoid, bias, topk, gather, and the division by the sum (sigmoid and bias). Statistics, which are the default, are log-sum-exp and mean probability; the composition with them also counts, as ours always does. The kernels by themselves, without "
        + "statistics, work on memory that exists. All rows of logits differ.",
        GateTurns.Composed, "composed, µs",
    [
        new Amount("ours, µs", GateTurns.Ours, "0", 1e3),
        new Amount("kernels by themselves, µs", GateTurns.Kernel, "0", 1e3),
        new("ours / composed", GateTurns.Ours, GateTurns.Composed, new("topk_gate of 4096 tokens or more, forward and backward", Headline.Composed)),
        new("with statistics: ours / composed", GateTurns.OursWithStatistics, GateTurns.ComposedWithStatistics),
        new("ours / composed, forward only", GateTurns.OursForward, GateTurns.ComposedForward, new("topk_gate of 4096 tokens or more, forward", Headline.Composed)),
        new Amount("kernel, forward only, µs", GateTurns.KernelForward, "0", 1e3),
    ], Cases: "tokens x experts", WithBlocksKept: true, Measure: (round, wanted) => GateTurns.Measure(typeof(Gate), GateTurns.Rows([4096, 16384]), round, wanted), TimeFormat: "0");
}

/// <summary>topk_gate on as few tokens as inference has, where the call costs more than the work.</summary>
internal static class GateOfFewTokens
{
    internal static readonly Table Table = new(
        "gating",
        "The same for few tokens, where a call costs more than its work. Bytes are those of managed memory that a call allocates, forward and backward.",
        GateTurns.Composed, "composed, µs",
    [
        new Amount("ours, µs", GateTurns.Ours, "0.0", 1e3),
        new Amount("kernels by themselves, µs", GateTurns.Kernel, "0.0", 1e3),
        new("ours / composed", GateTurns.Ours, GateTurns.Composed, new("topk_gate of 64 or 512 tokens, forward and backward", Headline.Composed)),
        new("with statistics: ours / composed", GateTurns.OursWithStatistics, GateTurns.ComposedWithStatistics),
        new("ours / composed, forward only", GateTurns.OursForward, GateTurns.ComposedForward, new("topk_gate of 64 or 512 tokens, forward", Headline.Composed)),
        new Difference("ours less composed, µs", GateTurns.Ours, GateTurns.Composed, 1e3),
        new Difference("ours less composed, forward only, µs", GateTurns.OursForward, GateTurns.ComposedForward, 1e3),
        new Difference("ours with statistics less composed without, µs", GateTurns.OursWithStatistics, GateTurns.Composed, 1e3),
        new Amount("ours, bytes", GateTurns.OursBytes, "0"),
        new Amount("composed, bytes", GateTurns.ComposedBytes, "0"),
    ], Cases: "tokens x experts", Measure: (round, wanted) => GateTurns.Measure(typeof(GateOfFewTokens), GateTurns.Rows([64, 512]), round, wanted), TimeFormat: "0.0");
}

/// <summary>What both tables measure.</summary>
internal static class GateTurns
{
    internal const string Composed = "composed", Ours = "ours", Kernel = "kernel", ComposedForward = "composed forward", OursForward = "our forward", KernelForward = "kernel forward";

    internal const string OursWithStatistics = "ours with statistics", ComposedWithStatistics = "composed with statistics";

    internal const string OursBytes = "our bytes", ComposedBytes = "composed bytes";

    internal static GateCase[] Rows(long[] tokens) =>
    [
        .. from count in tokens
           from row in (GateCase[])
           [
               new(count, 8, 1, TopKGateMode.Softmax),
               .. from kept in ((long Experts, int Kept)[])[(8, 2), (16, 2), (64, 2), (64, 6), (64, 8), (128, 8), (256, 8)] select new GateCase(count, kept.Experts, kept.Kept),
               .. from mode in (TopKGateMode[])[TopKGateMode.Softmax, TopKGateMode.Sigmoid]
                  from kept in ((long Experts, int Kept)[])[(16, 2), (64, 6), (256, 8)]
                  select new GateCase(count, kept.Experts, kept.Kept, mode),
           ]
           select row,
    ];

    internal static IEnumerable<Measurement> Measure(Type table, GateCase[] rows, int round, Func<ICase, bool> wanted) =>
        rows.Where(row => wanted(row)).SelectMany(row => Measure(table, row, round));

    private static IEnumerable<Measurement> Measure(Type table, GateCase row, int round)
    {
        GateTensors.WarmUp();
        using var tensors = new GateTensors(row);
        Action ours = () => tensors.Differentiated(GateTensors.Ours), composed = () => tensors.Differentiated(GateTensors.Composed);
        Action kernel = tensors.Kernel(backward: true), kernelForward = tensors.Kernel(backward: false);
        return
        [
            .. Turns.Take(table, row, round,
            [
                new(Composed, composed),
                new(Ours, ours),
                new(OursWithStatistics, () => tensors.Differentiated(GateTensors.OursWithStatistics)),
                new(ComposedWithStatistics, () => tensors.Differentiated(GateTensors.ComposedWithStatistics)),
                new(Kernel, kernel),
                new(ComposedForward, () => tensors.Forward(GateTensors.Composed)),
                new(OursForward, () => tensors.Forward(GateTensors.Ours)),
                new(KernelForward, kernelForward),
            ]),
            new(table, row, OursBytes, round, Bytes(ours)),
            new(table, row, ComposedBytes, round, Bytes(composed)),
        ];
    }

    private static double Bytes(Action call)
    {
        const int calls = 16;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < calls; i++)
        {
            call();
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)calls;
    }
}
