using static TorchSharpSoftmax.Kernels.Tests.Refusals;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The public methods on spans: they compute, and refuse what does not fit before a pointer is taken, by the argument's name.</summary>
public sealed class GateSpanTests
{
    private static readonly GateShape s_shape = new(1, 4, 2);

    private static readonly float[] s_logits = [0, MathF.Log(3), MathF.Log(4), 0];

    [Fact]
    public void Spans_give_the_numbers_of_the_definition()
    {
        // exponentials 1, 3, 4, 1; kept 4 and 3
        var (weights, indices, counts, lse, mean, state) = (new float[2], new long[2], new long[4], new float[1], new float[4], new float[3]);
        GateKernels.TopK<float, float>(s_logits, [], weights, indices, counts, lse, mean, state, s_shape, new(TopKGateMode.KeptSoftmax));
        AssertNear([4 / 7.0, 3 / 7.0], weights);
        Assert.Equal([2, 1], indices);
        Assert.Equal([0, 1, 1, 0], counts);
        AssertNear([Math.Log(9)], lse);
        AssertNear([1 / 9.0, 3 / 9.0, 4 / 9.0, 1 / 9.0], mean);
        var dx = new float[4];
        GateKernels.TopKBackward<float, float>(s_logits, weights, indices, state, [7, 0], [], [], dx, s_shape, new(TopKGateMode.KeptSoftmax));
        AssertNear([0, -12 / 7.0, 12 / 7.0, 0], dx);
        GateKernels.TopKBackward<float, float>(s_logits, weights, indices, state, [7, 0], [9], [9, 0, 0, 0], dx, s_shape, new(TopKGateMode.KeptSoftmax));
        AssertNear([1 + (8 / 9.0), 3 - (1 / 3.0) - (12 / 7.0), 4 - (4 / 9.0) + (12 / 7.0), 1 - (1 / 9.0)], dx);

        GateKernels.TopK<float, float>(s_logits, [], weights, indices, counts, lse, mean, state, s_shape, new(TopKGateMode.Softmax));
        AssertNear([4 / 9.0, 3 / 9.0], weights);
        GateKernels.TopKBackward<float, float>(s_logits, weights, indices, state, [9, 0], [], [], dx, s_shape, new(TopKGateMode.Softmax));
        AssertNear([-4 / 9.0, -12 / 9.0, 4 - (16 / 9.0), -4 / 9.0], dx);

        // scores 1/2, 3/4, 4/5, 1/2; with the bias expert 3 comes first
        GateKernels.TopK<float, float>(s_logits, [0, 0, 0, 1], weights, indices, counts, lse, mean, state, s_shape, new(TopKGateMode.Sigmoid, Scale: 13));
        AssertNear([5, 8], weights);
        Assert.Equal([3, 2], indices);
        AssertNear([10 / 51.0, 15 / 51.0, 16 / 51.0, 10 / 51.0], mean);
        GateKernels.TopKBackward<float, float>(s_logits, weights, indices, state, [1, 0], [], [], dx, s_shape, new(TopKGateMode.Sigmoid, Scale: 13));
        AssertNear([0, 0, -5 * 0.16 / 1.3, 8 * 0.25 / 1.3], dx);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Refuses("weights", "'weights' has 3 elements; 2 are required.", () => Run(weights: 3));
        Refuses("indices", "'indices' has 1 elements; 2 are required.", () => Run(indices: 1));
        Refuses("counts", "'counts' has 2 elements; 4 are required.", () => Run(counts: 2));
        Refuses("lse", "'lse' has 2 elements; 1 are required.", () => Run(lse: 2));
        Refuses("mean", "'mean' has 3 elements; 4 are required.", () => Run(mean: 3));
        Refuses("state", "'state' has 1 elements; 3 are required.", () => Run(state: 1));
        Refuses("bias", "'bias' has 3 elements; 4 are required.", () => Run(bias: 3, rule: new(TopKGateMode.Sigmoid)));
        Refuses("bias", "'bias' is given beside Softmax; Sigmoid, or no bias, is required.", () => Run(bias: 4, rule: new(TopKGateMode.Softmax)));
        Refuses("rule", "'rule' has groups or a scale beside Softmax; Sigmoid, or none of them, is required.", () => Run(rule: new(TopKGateMode.Softmax, 2, 1)));
        Refuses("rule.Mode", "'rule.Mode' is 9; KeptSoftmax, Softmax, SoftmaxRenormalized or Sigmoid is required.", () => Run(rule: new((TopKGateMode)9)));
        Refuses("rule.Groups", "'rule.Groups' is 3; a divisor of 4, the number of experts, is required.", () => Run(rule: new(TopKGateMode.Sigmoid, 3)));
        Refuses("rule.KeptGroups", "'rule.KeptGroups' is 3; 1 to 2, the number of groups, is required.", () => Run(rule: new(TopKGateMode.Sigmoid, 2, 3)));
        Refuses("rule.Scale", "'rule.Scale' is NaN; a finite number is required.", () => Run(rule: new(TopKGateMode.Sigmoid, Scale: double.NaN)));
        Refuses("shape.Kept", "'shape.Kept' is 0; 1 to 4, the number of experts, is required.", () => Run(shape: new(1, 4, 0)));
        Refuses("shape.Kept", "'shape.Kept' is 5; 1 to 4, the number of experts, is required.", () => Run(shape: new(1, 4, 5)));
        Refuses("shape.Kept", "'shape.Kept' is 2; 1 to 1, the experts of the kept groups, is required.", () => Run(rule: new(TopKGateMode.Sigmoid, 4, 1)));
        Refuses("shape.Experts", "'shape.Experts' is 0; 1 to 16777216 is required.", () => Run(shape: new(1, 0, 1)));
        Refuses("shape.Tokens", "'shape.Tokens' is -1; 0 or more is required.", () => Run(shape: new(-1, 4, 2)));
        Refuses("logits", "'logits' has 4 elements; 8 are required.", () => Run(shape: new(2, 4, 2)));
        Refuses("threads", "'threads' is 0; at least 1 is required.", () => Run(threads: 0));
        Refuses("TComputing", "'TComputing' is System.Double; System.Single is required for System.Single.", () => GateKernels.TopK<float, double>(
            s_logits, [], new double[2], new long[2], new long[4], [], [], [], s_shape, new(TopKGateMode.KeptSoftmax)));
        Refuses("T", "'T' is System.Int32;", () => GateKernels.TopK<int, float>(new int[4], [], new float[2], new long[2], new long[4], [], [], [], s_shape, new(TopKGateMode.KeptSoftmax)));
        Refuses("state", "'state' has 0 elements; 3 are required.", () => Back(new(TopKGateMode.Softmax), [0, 1]));
        Refuses("indices", "'indices' has 4; 0 to 3 is required.", () => Back(default, [0, 4]));
        var memory = new float[8];
        Refuses("weights", "'weights' overlaps an input; separate memory is required.", () => GateKernels.TopK<float, float>(
            memory.AsSpan(0, 4), [], memory.AsSpan(3, 2), new long[2], new long[4], [], [], [], s_shape, new(TopKGateMode.KeptSoftmax)));
        Refuses("weights", "'weights' overlaps an input; separate memory is required.", () => GateKernels.TopK<float, float>(
            s_logits, memory.AsSpan(0, 4), memory.AsSpan(3, 2), new long[2], new long[4], [], [], [], s_shape, new(TopKGateMode.Sigmoid)));
        Refuses("dlogits", "'dlogits' overlaps an input; separate memory is required.", () => GateKernels.TopKBackward<float, float>(
            s_logits, new float[2], [0, 1], new float[3], new float[2], memory.AsSpan(3, 1), [], memory.AsSpan(0, 4), s_shape, new(TopKGateMode.KeptSoftmax)));
        Refuses("dlogits", "'dlogits' overlaps an input; separate memory is required.", () => GateKernels.TopKBackward<float, float>(
            s_logits, new float[2], [0, 1], new float[3], new float[2], [], memory.AsSpan(3, 4), memory.AsSpan(0, 4), s_shape, new(TopKGateMode.KeptSoftmax)));
    }

    private static void Run(
        int weights = 2, int indices = 2, int counts = 4, int lse = 1, int mean = 4, int state = 3, int bias = 0, GateShape? shape = null, GateRule rule = default,
        int threads = 1)
    {
        if (rule == default)
        {
            rule = new(TopKGateMode.KeptSoftmax);
        }

        GateKernels.TopK<float, float>(
            s_logits, new float[bias], new float[weights], new long[indices], new long[counts], new float[lse], new float[mean], new float[state], shape ?? s_shape, rule, threads);
    }

    private static void Back(GateRule rule, long[] indices) => GateKernels.TopKBackward<float, float>(
        s_logits, new float[2], indices, [], new float[2], [], [], new float[4], s_shape, rule == default ? new(TopKGateMode.KeptSoftmax) : rule);

    private static void AssertNear(double[] expected, float[] actual) =>
        Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 8 * FloatFormat.Float.Ulp(Math.Max(1, Math.Abs(pair.First)))));
}
