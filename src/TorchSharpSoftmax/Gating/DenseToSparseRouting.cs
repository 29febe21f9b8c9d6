using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>A temperature: a number, or a tensor of one element that has a gradient.</summary>
internal readonly record struct GateTemperature(double Number, Tensor? Learned);

/// <summary>Softmax with temperature, and the choice among its probabilities.</summary>
internal static class DenseToSparseRouting
{
    internal static RoutingOutputs Of(Tensor logits, GateTemperature temperature, DenseToSparseChoice choice)
    {
        using var scope = NewDisposeScope();
        long[] tokens = logits.shape[..^1];
        long experts = logits.size(tokens.Length);
        var z = RoutingMath.Wide(logits).reshape(-1, experts);
        var most = z.detach().amax([1], keepdim: true);
        var scaled = Scaled(z.sub(most), temperature);
        var lse = nn.functional.two_pass_logsumexp(scaled, 1).add(Divided(most, temperature).squeeze(1), Scalars.One);
        if (choice.Gumbel)
        {
            var noisy = z.add(Gumbel(z), Scalars.One);
            scaled = Scaled(noisy.sub(noisy.detach().amax([1], keepdim: true)), temperature);
        }

        var routing = Chosen(nn.functional.two_pass_softmax(scaled, 1), lse, choice, tokens);
        routing.MoveToOuterDisposeScope();
        return routing;
    }

    internal static void CheckThreshold(double threshold)
    {
        if (!(threshold is >= 0 and < 1))
        {
            throw Check.OutOfRange(nameof(threshold), threshold, "0 or more, and less than 1,");
        }
    }

    /// <summary>A temperature that the caller has made a tensor.</summary>
    internal static GateTemperature Checked(Tensor temperature, Tensor logits)
    {
        Check.DenseFloating(temperature, nameof(temperature));
        if (temperature.numel() != 1)
        {
            throw new ArgumentException($"'{nameof(temperature)}' has shape {Check.Text(temperature.shape)}; one element is required.", nameof(temperature));
        }

        Check.Device(temperature, logits, nameof(temperature));
        RoutingArguments.Positive(ElementAccess.Values(temperature)[0], nameof(temperature));
        return new(0, temperature);
    }

    internal static GateTemperature Checked(double temperature)
    {
        RoutingArguments.Positive(temperature, nameof(temperature));
        return new(temperature, null);
    }

    private static RoutingOutputs Chosen(Tensor p, Tensor lse, DenseToSparseChoice choice, long[] tokens)
    {
        if (choice.Top1)
        {
            return RoutingSlots.Top(p, 1, lse, tokens);
        }

        if (choice.Threshold == 0)
        {
            return RoutingSlots.All(p, lse, tokens);
        }

        var plain = p.detach();
        var likeliest = zeros_like(plain, ScalarType.Bool).scatter(1, plain.argmax(1, keepdim: true), ones([p.size(0), 1], ScalarType.Bool, p.device));
        return RoutingSlots.Kept(p, plain.gt(RoutingMath.Number(choice.Threshold, p.dtype)).logical_or(likeliest), lse, tokens);
    }

    /// <summary>Differences to the row's largest logit, by the temperature: the largest stays 0 however small the temperature is, and equal ones share.</summary>
    private static Tensor Scaled(Tensor differences, GateTemperature temperature)
    {
        if (temperature.Learned is null)
        {
            return temperature.Number == 1 ? differences : Divided(differences, temperature);
        }

        // an expert excluded by -inf has no part in the temperature's gradient, which would be 0 times infinity
        var floor = RoutingMath.Number(double.NegativeInfinity, differences.dtype);
        var excluded = differences.detach().eq(floor);
        return where(excluded, floor, Divided(where(excluded, RoutingMath.Number(0, differences.dtype), differences), temperature));
    }

    private static Tensor Divided(Tensor x, GateTemperature temperature)
    {
        double least = x.dtype == ScalarType.Float64 ? 2.2250738585072014e-308 : 1.17549435e-38; // below it a quotient by it could be 0 / 0
        var divisor = temperature.Learned is { } learned
            ? learned.to_type(x.dtype).reshape(Array.Empty<long>()).add(RoutingMath.Number(least, x.dtype), Scalars.One)
            : RoutingMath.Number(Math.Max(temperature.Number, least), x.dtype);
        return x.div(divisor);
    }

    /// <summary>-log(-log(u)); drawn in float64, where a draw of infinity takes longer than any training.</summary>
    private static Tensor Gumbel(Tensor like)
    {
        var draws = zeros(like.shape, ScalarType.Float64, like.device);
        Memory.Discard(draws, draws.exponential_());
        return draws.log().neg().to_type(like.dtype);
    }
}
