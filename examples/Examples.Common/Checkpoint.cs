using System.Text.Json;
using TorchSharp;
using TorchSharp.Modules;

namespace TorchSharpSoftmax.Examples;

/// <summary>Model, optimizer and random state in one folder, replaced as a whole, so that a resumed run continues bit for bit.</summary>
public static class Checkpoint
{
    public static bool ExistsIn(string folder)
    {
        if (!Directory.Exists(folder) && Directory.Exists(folder + ".old"))
        {
            Directory.Move(folder + ".old", folder); // a crash between the two moves of Save
        }

        return File.Exists(Path.Combine(folder, "state.json"));
    }

    /// <summary>What was saved, apart from the tensors.</summary>
    /// <typeparam name="TState">A record: the epoch, and the settings that the run depends on.</typeparam>
    public static TState ReadState<TState>(string folder) =>
        Reading(folder, () => JsonSerializer.Deserialize<TState>(File.ReadAllText(Path.Combine(folder, "state.json"))) ?? throw new JsonException("state.json is null"));

    public static void Save<TState>(string folder, TState state, torch.nn.Module model, OptimizerHelper optimizer)
    {
        // Written beside the old one and swapped in, so that a crash in between loses at most the newest epochs.
        string fresh = folder + ".new";
        string old = folder + ".old";
        Remove(fresh);
        Remove(old);
        Directory.CreateDirectory(fresh);
        model.save(Path.Combine(fresh, "model.bin"));
        optimizer.save_state_dict(Path.Combine(fresh, "optimizer.bin"));
        using (torch.Tensor random = torch.get_rng_state())
        {
            File.WriteAllBytes(Path.Combine(fresh, "random.bin"), random.bytes.ToArray());
        }

        File.WriteAllText(Path.Combine(fresh, "state.json"), JsonSerializer.Serialize(state));
        if (Directory.Exists(folder))
        {
            Directory.Move(folder, old);
        }

        Directory.Move(fresh, folder);
        Remove(old);
    }

    public static void Load(string folder, torch.nn.Module model, OptimizerHelper optimizer) => _ = Reading(folder, () =>
    {
        model.load(Path.Combine(folder, "model.bin"));
        optimizer.load_state_dict(Path.Combine(folder, "optimizer.bin"));
        using torch.Tensor random = torch.tensor(File.ReadAllBytes(Path.Combine(folder, "random.bin")), torch.ScalarType.Byte);
        torch.set_rng_state(random);
        return true;
    });

    /// <summary>Only what was learnt, for a look at the finished model.</summary>
    public static void LoadModel(string folder, torch.nn.Module model) => _ = Reading(folder, () => model.load(Path.Combine(folder, "model.bin")));

    /// <summary>Removes it, so that nothing can be resumed from it.</summary>
    public static void Delete(string folder) => Array.ForEach([folder, folder + ".old", folder + ".new"], Remove);

    /// <summary>Whatever a damaged file makes its reader say, the user learns which checkpoint it is.</summary>
    private static T Reading<T>(string folder, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e)
        {
            throw new ArgumentException(
                $"'--resume' finds a damaged checkpoint in '{folder}'; the files as an earlier run left them are required ({e.Message.Split('\n')[0]})", e);
        }
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
