using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>Random cases of the top-k gates: fused, noisy, and of experts that choose.</summary>
internal static class RandomGates
{
    internal static IEnumerable<RandomFamily> Families =>
        [new("topk_gate", TopK), new("topk_gate, edges", TopKEdges), new("noisy_top_k_gate", Noisy), new("expert_choice_gate", ExpertChoice)];

    private static void TopK(RandomDraw draw, string what)
    {
        var dtype = draw.Dtype();
        var mode = draw.Of(Enum.GetValues<TopKGateMode>());
        bool sigmoid = mode == TopKGateMode.Sigmoid;
        long groups = sigmoid && draw.OneIn(2) ? draw.Of(2, 3, 4) : 1, kept = draw.Size(1, groups);
        long experts = groups * (draw.OneIn(8) ? draw.Size(30, 90) : draw.Size(1, 12));
        long k = draw.Size(1, Math.Min(experts / groups * kept, draw.OneIn(4) ? 99 : 6));
        double scale = sigmoid ? draw.Of(1, 2.5) : 1;
        var x = draw.Laid(TopKGateCase.Apart(draw.Random, [.. draw.Tokens(), experts], dtype));
        using var bias = sigmoid && draw.OneIn(2) ? draw.Normal(0.1, draw.Of(ScalarType.Float32, ScalarType.Float64), experts) : null;
        bool statistics = !draw.OneIn(4);
        what = $"{what} {dtype} {Check.Text(x.shape)} strides {Check.Text(x.stride())} {mode}, k {k}, groups {kept} of {groups}, scale {scale}, {(bias is null ? "no bias" : "a bias")}";
        Tensor ours = x.detach().requires_grad_(), exact = x.detach().to_type(ScalarType.Float64).requires_grad_();
        var found = F.topk_gate(ours, k, mode, bias, groups, kept, scale, statistics);
        Choices(what, exact.detach(), found, k, mode, bias, groups, kept);
        var (weights, lse, mean) = new TopKGateCase(mode, k, Scale: scale).Reference(exact, found.indices);
        RandomClose.Assert($"{what}, weights", weights, found.weights);
        var loss = Product(draw, weights, found.weights);
        if (statistics)
        {
            RandomClose.Assert($"{what}, lse", lse, found.lse!);
            RandomClose.Assert($"{what}, mean", mean, found.mean_probability!);
            loss = draw.OneIn(2) ? Sum(loss, Product(draw, lse, found.lse!), Product(draw, mean, found.mean_probability!)) : loss;
        }

        autograd.backward(loss.Exact);
        autograd.backward(loss.Ours);
        RandomClose.AssertGradient(what, exact.grad!, ours, scale);
    }

    /// <summary>The choice from scores in float64: what is kept is no worse than what is not, best first, up to the rounding of float32.</summary>
    private static void Choices(string what, Tensor x, TopKGateOutputs found, long k, TopKGateMode mode, Tensor? bias, long groups, long keptGroups)
    {
        using var scope = NewDisposeScope();
        long experts = x.size(-1), size = experts / groups;
        var scores = mode == TopKGateMode.Sigmoid ? x.sigmoid() : x;
        double[] s = ElementAccess.Values(bias is null ? scores : scores + bias.to_type(ScalarType.Float64));
        long[] indices = TopKGateTests.Numbers(found.indices), counts = new long[experts];
        for (int token = 0; token < s.Length / experts; token++)
        {
            double[] of = s[(int)(token * experts)..(int)((token + 1) * experts)];
            long[] chosen = indices[(int)(token * k)..(int)((token + 1) * k)];
            Array.ForEach(chosen, e => counts[e]++);
            double[] groupScores = [.. Enumerable.Range(0, (int)groups).Select(g => of.Skip((int)(g * size)).Take((int)size).OrderDescending().Take(2).Sum())];
            double last = groupScores.OrderDescending().ElementAt((int)keptGroups - 1), tolerance = 1e-6 * (1 + Math.Abs(of.Max()));
            bool Allowed(long e) => groupScores[e / size] >= last - tolerance;
            bool Certain(long e) => groupScores[e / size] > last + tolerance || (groupScores[e / size] >= last - tolerance && groupScores.Count(g => Math.Abs(g - last) <= tolerance) == 1);
            bool sorted = Enumerable.Range(1, (int)k - 1).All(i => of[chosen[i - 1]] >= of[chosen[i]] - tolerance);
            double least = chosen.Min(e => of[e]);
            bool best = Enumerable.Range(0, (int)experts).All(e => chosen.Contains(e) || !Certain(e) || of[e] <= least + tolerance);
            Assert.True(
                sorted && best && chosen.All(Allowed) && chosen.Distinct().Count() == k,
                $"{what}: token {token} has chosen [{string.Join(", ", chosen)}] of scores [{string.Join(", ", of)}].");
        }

        RandomClose.AssertNumbers($"{what}, counts", counts, found.counts);
    }

    /// <summary>Ties, NaN and infinities: the kernel beside its composition, choice for choice.</summary>
    private static void TopKEdges(RandomDraw draw, string what)
    {
        var mode = draw.Of(Enum.GetValues<TopKGateMode>());
        long groups = mode == TopKGateMode.Sigmoid ? draw.Of(1, 2, 3) : 1, kept = draw.Size(1, groups), experts = groups * draw.Size(1, 20), tokens = draw.Size(1, 20);
        long k = draw.Size(1, Math.Min(experts / groups * kept, 9));
        var x = draw.Normal(2, ScalarType.Float64, tokens, experts).round();
        draw.Edges(ref x, double.NaN, double.PositiveInfinity, double.NegativeInfinity, -1e9, 0);
        what = $"{what} {Check.Text(x.shape)} {mode}, k {k}, groups {kept} of {groups}";
        var call = new TopKGateCall(new((nint)tokens, (nint)experts, (nint)k), TopKGateArguments.Rule(experts, k, mode, groups, kept, 1), null, true);
        TopKGateOutputs actual = F.topk_gate(draw.Laid(x, mayExpand: false), k, mode, null, groups, kept), composed = TopKGates.Composed(x, call);
        RandomClose.AssertNumbers($"{what}, indices", TopKGateTests.Numbers(composed.indices), actual.indices);
        RandomClose.AssertNumbers($"{what}, counts", TopKGateTests.Numbers(composed.counts), actual.counts);
        RandomClose.Assert($"{what}, weights", composed.weights, actual.weights);
        RandomClose.Assert($"{what}, lse", composed.lse!, actual.lse!);
        RandomClose.Assert($"{what}, mean", composed.mean_probability!, actual.mean_probability!);
    }

    private static void Noisy(RandomDraw draw, string what)
    {
        var dtype = draw.Dtype();
        long experts = draw.OneIn(6) ? draw.Size(20, 70) : draw.Size(1, 12), k = draw.Size(1, Math.Min(experts, 7));
        long[] shape = [.. draw.Tokens(), experts];
        var z = draw.Laid(TopKGateCase.Apart(draw.Random, shape, dtype)).detach().requires_grad_();
        var s = draw.OneIn(2) ? draw.Laid((draw.Normal(1, dtype, shape).abs() + 0.25).to_type(dtype)).detach().requires_grad_() : null;
        what = $"{what} {dtype} {Check.Text(shape)} strides {Check.Text(z.stride())}, k {k}, {(s is null ? "quiet" : "noisy")}";
        var found = F.noisy_top_k_gate(z, s, k);
        var z64 = z.detach().to_type(ScalarType.Float64).requires_grad_();
        var s64 = s?.detach().to_type(ScalarType.Float64).requires_grad_();
        var eps = s is null ? null : ((found.noisy_logits!.detach().to_type(ScalarType.Float64) - z64) / s64!).detach();
        var h = eps is null ? z64 : z64 + (s64! * eps);
        var (_, order) = h.detach().sort(-1, descending: true, stable: true);
        RandomClose.AssertNumbers($"{what}, indices", TopKGateTests.Numbers(order.narrow(-1, 0, k)), found.indices);
        var weights = h.gather(-1, order.narrow(-1, 0, k)).softmax(-1);
        var (lse, mean) = (z64.logsumexp(-1), z64.softmax(-1).reshape(-1, experts).mean([0L]));
        RandomClose.Assert($"{what}, weights", weights, found.weights);
        RandomClose.Assert($"{what}, lse", lse, found.lse);
        if (z.numel() == 0)
        {
            return; // a mean over no token
        }

        RandomClose.Assert($"{what}, mean", mean, found.mean_probability);
        var loss = Sum(Product(draw, weights, found.weights), Product(draw, lse, found.lse), Product(draw, mean, found.mean_probability));
        autograd.backward(loss.Exact);
        autograd.backward(loss.Ours);
        RandomClose.AssertGradient(what, z64.grad!, z);
        if (s is not null)
        {
            RandomClose.AssertGradient($"{what}, deviations", s64!.grad!, s, 5);
        }
    }

    private static void ExpertChoice(RandomDraw draw, string what)
    {
        var dtype = draw.Dtype();
        long experts = draw.Size(1, 12);
        long[] tokens = draw.Tokens(), shape = [.. tokens, experts];
        var values = draw.Normal(1, ScalarType.Float64, shape);
        var x = draw.Laid((draw.OneIn(3) ? values.round() : values).to_type(dtype)).detach().requires_grad_();
        long rows = x.numel() / experts, capacity = draw.Size(1, Math.Max(1, rows + 2)), taken = Math.Min(rows, capacity);
        what = $"{what} {dtype} {Check.Text(shape)} strides {Check.Text(x.stride())}, capacity {capacity}";
        var found = F.expert_choice_gate(x, capacity);
        double[] p = ElementAccess.Values(F.two_pass_softmax(x.detach().to_type(Dtype.ArithmeticOf(dtype)))); // ties are those of the very numbers that it compares
        var chosen = Enumerable.Range(0, (int)experts).SelectMany(
            e => Enumerable.Range(0, (int)rows).OrderByDescending(t => p[(t * experts) + e]).Take((int)taken).Select(t => (long)t));
        RandomClose.AssertNumbers($"{what}, tokens", chosen, found.tokens);
        RandomClose.AssertNumbers($"{what}, counts", Enumerable.Repeat(taken, (int)experts), found.counts);
        if (rows == 0)
        {
            return;
        }

        var exact = x.detach().to_type(ScalarType.Float64).requires_grad_();
        var flat = exact.reshape(-1, experts);
        var mask = zeros([experts, rows], ScalarType.Float64).scatter(1, found.tokens, ones([experts, taken], ScalarType.Float64)).transpose(0, 1);
        var kept = flat.softmax(-1) * mask;
        long slots = found.indices.size(-1);
        var type = found.weights.dtype;
        var spread = zeros([rows, experts + 1], type).scatter_add(1, found.indices.reshape(rows, slots) + 1, found.weights.reshape(rows, slots)).narrow(1, 1, experts);
        RandomClose.Assert($"{what}, weights", kept, spread);
        RandomClose.Assert($"{what}, lse", exact.logsumexp(-1), found.lse);
        var loss = Sum(Product(draw, kept, spread), Product(draw, exact.logsumexp(-1), found.lse));
        autograd.backward(loss.Exact);
        autograd.backward(loss.Ours);
        RandomClose.AssertGradient(what, exact.grad!, x);
    }

    /// <summary>The sum of both results, each element times one random number.</summary>
    internal static (Tensor Exact, Tensor Ours) Product(RandomDraw draw, Tensor exact, Tensor ours)
    {
        var upstream = SoftmaxOperator.Upstream(ours, draw.Random);
        return ((exact * upstream.to_type(ScalarType.Float64)).sum(), (ours * upstream).sum());
    }

    internal static (Tensor Exact, Tensor Ours) Sum(params ReadOnlySpan<(Tensor Exact, Tensor Ours)> parts)
    {
        var sum = parts[0];
        foreach (var part in parts[1..])
        {
            sum = (sum.Exact + part.Exact, sum.Ours + part.Ours);
        }

        return sum;
    }
}
